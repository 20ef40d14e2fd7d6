"""MQTT 3.1, 3.1.1 and 5.0 (OASIS standards): packets to messages and back. Spec: filters.md, 7."""
