"""Calls to AWS, with errors sorted into those that pass and those that somebody must mend."""

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from classification.errors import FieldmarkError
from classification.launch import UnreachableError

_PASSING = {
    "ExpiredToken", "ExpiredTokenException", "RequestExpired", "UnrecognizedClientException",
    "InvalidClientTokenId", "TokenRefreshRequired", "Throttling", "ThrottlingException",
    "ThrottledException", "TooManyRequestsException", "RequestLimitExceeded", "SlowDown",
    "RequestTimeout", "RequestTimeTooSkewed", "ServiceUnavailable", "ServiceUnavailableException",
    "InternalError", "InternalFailure", "InternalServerError", "500", "502", "503", "504",
}  # fmt: skip
_TOKENS = {
    "s3": ("ContinuationToken", "NextContinuationToken"),
    "logs": ("nextToken", "nextToken"),
}  # what a service calls the place to read on from, asked and answered
_ADVICE = {
    "NoSuchBucket": "make the bucket (infra/), or mend launch.sagemaker.s3",
    "AccessDenied": "the credentials lack a right that infra/ gives to the launcher policy",
    "AccessDeniedException": "the credentials lack a right that infra/ gives to the launcher "
    "policy, or may not pass the role",
    "ResourceLimitExceeded": "ask AWS for a higher quota of this machine type (Service Quotas, "
    "SageMaker), or name other launch.sagemaker.instances",
    "ResourceInUse": "a job of this name exists; submit again",
    "ValidationException": "AWS does not accept the request; --dry-run shows it",
}


class RefusedError(FieldmarkError):
    """What AWS will refuse again; `code` is its own word for why."""

    def __init__(self, message: str, *, code: str) -> None:
        super().__init__(message)
        self.code = code


@dataclass(kw_only=True)
class Aws:
    """Clients of one region and profile; credentials are looked up anew after they were refused."""

    region: str
    profile: str = ""
    _clients: dict[str, Any] = field(default_factory=dict)

    def call(self, service: str, operation: str, **values: Any) -> dict[str, Any]:
        """One call.

        Raises:
            UnreachableError: it may work later, or after logging in again.
            RefusedError: it will not.
            FieldmarkError: the values are not fit to be sent.
        """
        from botocore.exceptions import BotoCoreError, ClientError, ParamValidationError

        try:
            return getattr(self.client(service), operation)(**values)
        except ClientError as error:
            raise self._sorted(error.response.get("Error", {}), f"{service} {operation}") from None
        except ParamValidationError as error:
            raise FieldmarkError(f"{service} {operation}: {error}") from None
        except BotoCoreError as error:  # no network, no credentials, a login that ran out
            self._clients.clear()
            raise UnreachableError(f"{type(error).__name__}: {error}") from None

    def client(self, service: str) -> Any:
        """A client, kept until its credentials are refused.

        Raises:
            FieldmarkError: the profile is unknown.
        """
        if service not in self._clients:
            read_settings()
            import boto3
            from botocore.config import Config
            from botocore.exceptions import ProfileNotFound

            try:
                session = boto3.Session(
                    profile_name=self.profile or None, region_name=self.region or None
                )
            except ProfileNotFound:
                known = ", ".join(boto3.Session().available_profiles) or "none"
                raise FieldmarkError(
                    f"there is no AWS profile {self.profile!r}. Known: {known}. Make it with: "
                    f"aws configure --profile {self.profile}"
                ) from None
            config = Config(
                connect_timeout=10,
                read_timeout=60,
                max_pool_connections=32,
                retries={"mode": "standard", "total_max_attempts": 4},
            )
            self._clients[service] = session.client(service, config=config)
        return self._clients[service]

    def pages(self, service: str, operation: str, key: str, **values: Any) -> Iterator[Any]:
        """All items of a paged listing, by S3 or by CloudWatch Logs."""
        asks, answers = _TOKENS[service]
        token: dict[str, str] = {}
        while True:
            page = self.call(service, operation, **values, **token)
            yield from page.get(key, [])
            if not page.get(answers):
                return
            token = {asks: page[answers]}

    def _sorted(self, error: dict[str, str], what: str) -> Exception:
        code, message = error.get("Code", "unknown"), error.get("Message", "")
        text = f"{code}: {message}" if message else code
        if code in _PASSING:
            self._clients.clear()
            return UnreachableError(f"{text} ({what})")
        advice = f". {_ADVICE[code]}" if code in _ADVICE else ""
        return RefusedError(f"AWS refused {what}: {text}{advice}", code=code)


def read_settings() -> None:
    """Take what ``.env`` sets and the environment does not, such as AWS_PROFILE."""
    from dotenv import find_dotenv, load_dotenv

    load_dotenv(find_dotenv(usecwd=True))


def default_region(region: str, profile: str) -> str:
    """The configured region, or that of the environment or profile; asks no network.

    Raises:
        FieldmarkError: there is none.
    """
    read_settings()
    region = region or os.environ.get("AWS_REGION", "")  # which boto3 does not read
    if not region:
        import boto3
        from botocore.exceptions import ProfileNotFound

        try:
            region = boto3.Session(profile_name=profile or None).region_name or ""
        except ProfileNotFound:
            region = ""
    if not region:
        raise FieldmarkError("no AWS region: set launch.sagemaker.region, or AWS_REGION")
    return region


def split_uri(uri: str) -> tuple[str, str]:
    """Bucket and key of ``s3://bucket/key``."""
    bucket, _, key = uri.removeprefix("s3://").partition("/")
    return bucket, key.strip("/")
