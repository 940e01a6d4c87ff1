"""Errors of requests to a bucket, with what to do about them."""

from collections.abc import Iterator
from contextlib import contextmanager

from botocore.exceptions import BotoCoreError, ClientError

_KEYS = "Correct AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or the profile or role that is used instead"
_NEW_KEYS = "The credentials have expired: get new ones"
_REGION = "Set AWS_S3_REGION_NAME to the region of the bucket"
NETWORK = "Check the network, and AWS_S3_ENDPOINT_URL and AWS_S3_REGION_NAME if they are set"
_DAMAGED = "The server received different content: the file changed during the upload, or the network damaged it"
_OVERLOADED = "The server failed on every attempt. Try again in a few minutes"
_PERMISSIONS = (
    "Allow the credentials s3:ListBucket on the bucket, and s3:GetObject and s3:PutObject on its objects; to prune, also "
    "s3:DeleteObject"
)

# By S3's own error code (https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html) or boto3's exception.
_REMEDIES = {
    "403": _PERMISSIONS,
    "AccessDenied": _PERMISSIONS,
    "AuthorizationHeaderMalformed": _REGION,
    "BadDigest": _DAMAGED,
    "ConnectTimeoutError": NETWORK,
    "ConnectionClosedError": NETWORK,
    "EndpointConnectionError": NETWORK,
    "ExpiredToken": _NEW_KEYS,
    "IllegalLocationConstraintException": _REGION,
    "InternalError": _OVERLOADED,
    "InvalidAccessKeyId": _KEYS,
    "InvalidToken": _NEW_KEYS,
    "NoCredentialsError": "Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or give this machine a profile or a role",
    "NoSuchBucket": "Create the bucket, or correct AWS_STORAGE_BUCKET_NAME, AWS_S3_REGION_NAME or AWS_S3_ENDPOINT_URL",
    "PartialCredentialsError": "Set both AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or neither",
    "PermanentRedirect": _REGION,
    "ProxyConnectionError": NETWORK,
    "ReadTimeoutError": NETWORK,
    "RequestTimeTooSkewed": "Set the clock of this machine",
    "SSLError": "If the server's certificate is not trusted, set AWS_CA_BUNDLE to its CA certificate; if it has no TLS, "
    "write AWS_S3_ENDPOINT_URL with http://",
    "ServiceUnavailable": _OVERLOADED,
    "SignatureDoesNotMatch": _KEYS,
    "SlowDown": _OVERLOADED,
    "TokenRefreshRequired": _NEW_KEYS,
    "XAmzContentSHA256Mismatch": _DAMAGED,
}


class BucketError(OSError):
    """`code` is S3's error code or the name of boto3's exception; `status` is the HTTP status, if there was a response."""

    def __init__(self, text: str, code: str, status: int | None = None) -> None:
        super().__init__(text)
        self.code = code
        self.status = status


@contextmanager
def explained(operation: str, location: str) -> Iterator[None]:
    """Raises boto3's errors as BucketErrors, with the location and what to do; `operation` is a name from S3's API."""
    try:
        yield
    except (BotoCoreError, ClientError) as error:
        raise _explain(error, operation, location) from error


def _explain(error: BotoCoreError | ClientError, operation: str, location: str) -> BucketError:
    if not isinstance(error, ClientError):
        code, status = type(error).__name__, None
        problem = f"{operation} of {location} failed: {str(error).rstrip('.')}"
    else:
        response = error.response.get("Error", {})
        code, status = response.get("Code", "unknown"), error.response["ResponseMetadata"]["HTTPStatusCode"]
        details = ", ".join(str(part).rstrip(".") for part in (status, response.get("Message")) if part)
        problem = f"{operation} of {location} was answered with {code} ({details})"
        if operation == "GetObject" and status == 403:
            problem += ", which S3 also returns for an object that does not exist if s3:ListBucket is not allowed"
    return BucketError(". ".join(filter(None, [problem, _REMEDIES.get(code)])), code, status)
