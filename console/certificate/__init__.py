"""The file of a certificate: how it is bundled, read and checked anywhere. Pure; `console.certificates` makes them."""
