"""What went wrong between this process and a bucket, for a person."""

from botocore.exceptions import BotoCoreError, ClientError

_KEYS = "Correct AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or the profile or role that stands for them"
_NEW_KEYS = "The credentials are no longer valid: get new ones"
_REGION = "Set AWS_S3_REGION_NAME to the region of the bucket"
_NETWORK = "Look at the network, and at AWS_S3_ENDPOINT_URL and AWS_S3_REGION_NAME if they are set"
_DAMAGED = "What arrived is not what was sent: the file changed meanwhile, or the network damaged it"
_OVERLOADED = "The server failed every time it was asked: wait a little"

# By S3's own error code (https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html) or boto3's exception.
_REMEDIES = {
    "403": "Give the credentials the permissions that docs/s3.md lists",
    "AccessDenied": "Give the credentials the permissions that docs/s3.md lists",
    "AuthorizationHeaderMalformed": _REGION,
    "BadDigest": _DAMAGED,
    "ConnectTimeoutError": _NETWORK,
    "ConnectionClosedError": _NETWORK,
    "EndpointConnectionError": _NETWORK,
    "ExpiredToken": _NEW_KEYS,
    "IllegalLocationConstraintException": _REGION,
    "InternalError": _OVERLOADED,
    "InvalidAccessKeyId": _KEYS,
    "InvalidToken": _NEW_KEYS,
    "NoCredentialsError": "Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or give this machine a profile or a role",
    "NoSuchBucket": "Create the bucket, or correct AWS_STORAGE_BUCKET_NAME, AWS_S3_REGION_NAME or AWS_S3_ENDPOINT_URL",
    "PartialCredentialsError": "Set both AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or neither",
    "PermanentRedirect": _REGION,
    "ProxyConnectionError": _NETWORK,
    "ReadTimeoutError": _NETWORK,
    "RequestTimeTooSkewed": "Set the clock of this machine",
    "SSLError": "The server's certificate is not trusted: name its authority in AWS_CA_BUNDLE",
    "ServiceUnavailable": _OVERLOADED,
    "SignatureDoesNotMatch": _KEYS,
    "SlowDown": _OVERLOADED,
    "TokenRefreshRequired": _NEW_KEYS,
    "XAmzContentSHA256Mismatch": _DAMAGED,
}


class BucketError(OSError):
    """`code` is S3's own, or the name of boto3's exception; `status` is that of HTTP, None without an answer."""

    def __init__(self, text: str, code: str, status: int | None = None) -> None:
        super().__init__(text)
        self.code = code
        self.status = status


def explained(error: BotoCoreError | ClientError, operation: str, where: str) -> BucketError:
    """The error with the place and the remedy; `operation` is one of S3's API."""
    if not isinstance(error, ClientError):
        code, status = type(error).__name__, None
        problem = f"{operation} of {where} failed: {str(error).rstrip('.')}"
    else:
        answer = error.response.get("Error", {})
        code, status = answer.get("Code", "unknown"), error.response["ResponseMetadata"]["HTTPStatusCode"]
        said = ", ".join(str(part).rstrip(".") for part in (status, answer.get("Message")) if part)
        problem = f"{operation} of {where} was answered with {code} ({said})"
        if operation == "GetObject" and status == 403:
            problem += ", which S3 also says of an object that is not there, to those who lack s3:ListBucket"
    return BucketError(". ".join(filter(None, [problem, _REMEDIES.get(code)])), code, status)
