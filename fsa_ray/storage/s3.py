"""Object stores that speak S3, reached so that every wait ends and every error names the place and the mend.

Endpoint, region and credentials are the standard ones: AWS_* variables, ~/.aws, roles. All numbers are chosen here:
botocore tries a request again with growing pauses, and a limit for all tries together ends what time-outs do not see,
such as a server that takes no more of an upload.

botocore sends a CRC32 of each object and each part, which the store compares, and compares what it reads with what the
store keeps (objects in parts: part by part on the way up only). Without TLS it also signs their SHA-256.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import s3fs
from aiohttp import ClientPayloadError
from botocore.exceptions import (
    BotoCoreError,
    ConnectionError,
    FlexibleChecksumError,
    HTTPClientError,
    IncompleteReadError,
)
from fsspec.asyn import sync_wrapper

from fsa_ray.storage.trouble import StoreRefuses, StoreSilent

PART_BYTES = 16 << 20  # larger objects travel in parts, of which a lost one is sent again alone
TRIES = 8
PATIENCE_SECONDS = 120.0  # for a request with all its tries, and what its body takes at the slowest line
SLOWEST_LINE = 128 << 10  # bytes/s

_BROKEN = (HTTPClientError, ConnectionError, FlexibleChecksumError, IncompleteReadError, ClientPayloadError)
_DENIED = {
    *("AccessDenied", "AllAccessDisabled", "ExpiredToken", "Forbidden", "InvalidAccessKeyId", "InvalidToken"),
    *("RequestTimeTooSkewed", "SignatureDoesNotMatch", "401", "403"),
}
_ELSEWHERE = {
    *("AuthorizationHeaderMalformed", "IllegalLocationConstraintException", "PermanentRedirect", "TemporaryRedirect"),
    *("301", "307"),
}
_NO_BUCKET = {"NoSuchBucket", "InvalidBucketName"}
_BUSY = {"InternalError", "RequestTimeout", "ServiceUnavailable", "SlowDown", "500", "502", "503", "504"}


class S3(s3fs.S3FileSystem):  # type: ignore[misc]
    """s3fs with our limits. Raises StoreRefuses and StoreSilent; a missing object is a FileNotFoundError."""

    connect_timeout = 10  # seconds; these three are s3fs's own names
    read_timeout = 30  # without a byte of the answer
    default_block_size = PART_BYTES

    def __init__(self, **options: Any) -> None:
        retries = {"mode": "standard", "total_max_attempts": TRIES}
        # Others write beside us: a listing that was remembered would be wrong.
        super().__init__(use_listings_cache=False, config_kwargs={"retries": retries}, **options)

    async def _call_s3(self, method: str, *given: Any, **kwargs: Any) -> Any:
        seconds = PATIENCE_SECONDS + len(kwargs.get("Body") or b"") / SLOWEST_LINE
        key = kwargs.get("Key") or kwargs.get("Prefix", "")
        async with self._explained(kwargs.get("Bucket", ""), key), asyncio.timeout(seconds):
            return await super()._call_s3(method, *given, **kwargs)

    call_s3 = sync_wrapper(_call_s3)

    async def _pipe_file(self, path: str, data: bytes, **kwargs: Any) -> Any:
        return await super()._pipe_file(path, data, **{"chunksize": PART_BYTES, **kwargs})

    async def _cat_file(self, path: str, *args: Any, **kwargs: Any) -> Any:
        bucket, key, _ = self.split_path(path)
        async with self._explained(bucket, key):  # a body may break off after the call
            return await super()._cat_file(path, *args, **kwargs)

    async def _get_file(self, path: str, *args: Any, **kwargs: Any) -> None:
        bucket, key, _ = self.split_path(path)
        async with self._explained(bucket, key):
            # One stream, since only that goes on where a connection broke off.
            await super()._get_file(path, *args, **{"max_concurrency": 1, **kwargs})

    @asynccontextmanager
    async def _explained(self, bucket: str, key: str) -> AsyncIterator[None]:
        place = f"s3://{bucket}/{key}".rstrip("/")
        try:
            yield
        except (StoreRefuses, StoreSilent):
            raise
        except (*_BROKEN, TimeoutError) as error:
            raise self._silent(place, error) from error
        except BotoCoreError as error:
            raise StoreRefuses(f"{place}: {error}; check the AWS_* variables and ~/.aws") from error
        except OSError as error:
            self._explain(place, bucket, error)
            raise

    def _explain(self, place: str, bucket: str, error: OSError) -> None:
        """Raises what `error`, an answer of the store, means; returns if it is an answer like any other."""
        code = error_code(error)
        if code in _NO_BUCKET:
            raise StoreRefuses(
                f"{place}: there is no bucket {bucket!r} at {self._endpoint()}; make it, or correct the URL or "
                "AWS_ENDPOINT_URL"
            ) from error
        if code in _DENIED:
            raise StoreRefuses(
                f"{place}: {self._endpoint()} denies access ({code}); check AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY "
                "or AWS_PROFILE, and that they may list the bucket and read, write and delete below this place"
            ) from error
        if code in _ELSEWHERE:
            raise StoreRefuses(
                f"{place}: {self._endpoint()} is not where this bucket lies ({code}); correct AWS_REGION or "
                "AWS_ENDPOINT_URL"
            ) from error
        if code in _BUSY:
            raise self._silent(place, error) from error

    def _silent(self, place: str, error: Exception) -> StoreSilent:
        why = str(error) or f"nothing within {PATIENCE_SECONDS:.0f} s"
        return StoreSilent(
            f"{place}: no answer from {self._endpoint()} ({type(error).__name__}: {why}); check AWS_ENDPOINT_URL and "
            "that the store is up"
        )

    def _endpoint(self) -> str:
        return "the store" if self._s3 is None else str(self._s3.meta.endpoint_url)


def error_code(error: BaseException) -> str:
    """The store's own code for an answer that s3fs has made into an OSError; empty if it has none."""
    response = getattr(error.__cause__, "response", None) or getattr(error, "response", None) or {}
    return str(response.get("Error", {}).get("Code", ""))
