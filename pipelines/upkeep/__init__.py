"""The installation itself kept for years: brought away, brought back, and kept from growing."""
