"""Not Scrapy's item pipelines: the stages that take a whole list from bytes to recorded changes."""
