"""A small publisher that plays on loopback, for the demo and for the tests."""
