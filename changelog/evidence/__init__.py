"""What leaves the installation as proof: evidence bundles that a stranger can check, and captures as WARC."""
