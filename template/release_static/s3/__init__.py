"""Static files in an S3 bucket; only in projects that publish there.

settings    what settings.py takes from the environment, before Django is set up
storage     the storage for STORAGES["staticfiles"]
bucket      the destination in a bucket
client      its requests, parallel runs several at once
headers     what an object is served with
errors      what went wrong, and what to do about it
"""
