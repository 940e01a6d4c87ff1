"""Static files in an S3 bucket; only in projects that use S3.

settings    reads environment variables for settings.py, before Django is set up
storage     the storage for STORAGES["staticfiles"]
bucket      the destination
client      requests to the bucket; parallel runs several at once
headers     content types and caching headers of objects
errors      error messages, with what to do
"""
