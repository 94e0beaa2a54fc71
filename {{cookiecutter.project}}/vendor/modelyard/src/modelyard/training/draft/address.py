"""The address of a source as params.yaml, which is committed, may hold it: with a password's name, never a password."""

from __future__ import annotations

import re
from urllib.parse import unquote

from ...errors import ContractError

NAMES_ONLY = re.compile(r"(\$\w+|\$\{\w+\})+")
PASSWORD = re.compile(r"^[\w+.-]+://[^:/@?]*:([^@]+)@")  # as SQLAlchemy finds it
WEB_LOGIN = re.compile(r"^https?://([^/?#@]+)@", re.IGNORECASE)  # a token may stand there alone
PARAMETER = re.compile(
    r"(?<=[?&;])([\w.-]*(?:password|passwd|pwd|secret|token|signature|credential|access_?key|api_?key)[\w.-]*|sig|key)"
    r"\s*=\s*([^&;#]+)",
    re.IGNORECASE,
)


def database_address(url: str) -> str:
    """The URL of a database, where `$NAME` is taken from the environment. Raises ContractError if it has a password."""
    url = re.sub(r"\$\$(?=\w|\{)", "$", url)  # as it is written for make, which takes $$ for $
    for secret in _secrets(url):
        if not NAMES_ONLY.fullmatch(secret):
            raise ContractError(
                f"{_without_secrets(url)}: the source has a password in clear, and params.yaml, which keeps its "
                "address, is committed. Set a variable of the environment to it and write the variable's name in its "
                "place, in single quotes, as in `make contract SOURCE='postgresql://me:$PASSWORD@host/db'`"
            )
    return url


def file_address(path: str) -> str:
    """The path or URL of files. Raises ContractError if it has a password."""
    if "://" in path and (WEB_LOGIN.match(path) or _secrets(path)):
        raise ContractError(
            f"{_without_secrets(path)}: the source has a password or a token in its address, and params.yaml, which "
            "keeps the address, is committed. Give it by the environment, as in AWS_ACCESS_KEY_ID or FSSPEC_HTTPS, or "
            "download the files and name their folder"
        )
    return path


def _secrets(address: str) -> list[str]:
    login = PASSWORD.match(address)
    # ODBC has its parameters in one that is quoted
    parameters = [value.strip() for _, value in PARAMETER.findall(unquote(address.replace("odbc_connect=", "?")))]
    return [login[1], *parameters] if login else parameters


def _without_secrets(address: str) -> str:
    """The address up to what could be one, for a message."""
    return re.sub(r"^([\w+.-]+://).*?([^@/?]*)(\?.*)?$", r"\1…", address)
