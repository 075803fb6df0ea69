"""Tests of gate policies: drafts, two people, comparison, and waivers laid over judged runs."""
