"""The journal: append-only events in files, durable before acknowledged. Standard library and orjson, no Django."""
