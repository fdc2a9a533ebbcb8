"""Signed links to S3 objects: credentials, regions and endpoints as boto3 finds them."""

import threading
from typing import Any

from classification.errors import FieldmarkError

_OPERATION = {"GET": "get_object", "HEAD": "head_object"}
_REGION = "us-west-2"  # where Animl and LILA keep theirs; each bucket's own is looked up


class S3Links:
    """Turns ``s3://bucket/key`` into a link that any HTTP client can read for an hour.

    Credentials, ``AWS_ENDPOINT_URL`` and the rest come from boto3's usual places.
    """

    def __init__(
        self, *, profile: str = "", anonymous: bool = False, prefer_profile: str = ""
    ) -> None:
        """`profile` must exist; `prefer_profile` is taken where it exists. Opens nothing yet."""
        self._profile, self._prefer = profile, prefer_profile
        self.anonymous = anonymous
        self._session: Any = None
        self._clients: dict[str, Any] = {}
        self._lock = threading.Lock()

    def link(self, address: str, method: str = "GET") -> str:
        """An https address of the object, signed unless anonymous.

        Raises:
            FieldmarkError: the profile is unknown, or its credentials cannot be had.
        """
        from botocore.exceptions import BotoCoreError, ParamValidationError

        bucket, _, key = address.removeprefix("s3://").partition("/")
        try:
            client = self._client(bucket)
            return client.generate_presigned_url(
                _OPERATION[method], Params={"Bucket": bucket, "Key": key}
            )
        except ParamValidationError as error:
            raise FieldmarkError(f"{address} is not an S3 address: {error}") from None
        except BotoCoreError as error:
            raise FieldmarkError(
                f"no AWS credentials for s3://{bucket}: {error}. Log in (aws sso login), name "
                "another --profile, or give --anonymous for a public bucket."
            ) from None

    def _client(self, bucket: str) -> Any:
        with self._lock:
            if bucket not in self._clients:
                session = self._open_session()
                region = self._bucket_region(self._new_client(session, _REGION), bucket)
                self._clients[bucket] = self._new_client(session, region)
            return self._clients[bucket]

    def _open_session(self) -> Any:
        if self._session is None:
            import boto3

            known = boto3.Session().available_profiles
            if self._profile and self._profile not in known:
                raise FieldmarkError(
                    f"there is no AWS profile {self._profile!r}. Known: "
                    f"{', '.join(known) or 'none'}. Make it with: aws configure --profile "
                    f"{self._profile}"
                )
            preferred = self._prefer if self._prefer in known else ""
            self._session = boto3.Session(profile_name=self._profile or preferred or None)
            if not self.anonymous and self._session.get_credentials() is None:
                print("no AWS credentials found: requests are anonymous (public buckets only)")
                self.anonymous = True
        return self._session

    def _new_client(self, session: Any, region: str) -> Any:
        from botocore import UNSIGNED
        from botocore.config import Config

        config = Config(
            # s3v4 by name: links are otherwise signed the old way, which newer regions refuse
            signature_version=UNSIGNED if self.anonymous else "s3v4",
            connect_timeout=10,
            read_timeout=10,
            retries={"total_max_attempts": 2},
        )
        return session.client("s3", region_name=region, config=config)

    @staticmethod
    def _bucket_region(client: Any, bucket: str) -> str:
        """Region of a bucket: S3 names it even when it refuses the request."""
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            answer = client.head_bucket(Bucket=bucket)
        except ClientError as error:
            answer = error.response
        except BotoCoreError:  # the first file will say what is wrong
            return _REGION
        headers = answer.get("ResponseMetadata", {}).get("HTTPHeaders", {})
        return headers.get("x-amz-bucket-region", _REGION)
