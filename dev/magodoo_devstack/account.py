"""Which account PostgreSQL runs under: the caller's own, or, because it refuses root, another one."""

from __future__ import annotations

import functools
import os
import pwd
import shutil
import subprocess
from pathlib import Path

from magodoo.errors import FixConfiguration

CANDIDATES = ("postgres", "nobody")

# access(2) ignores ambient capabilities after a change of user unless the securebit is set before it.
TRAVERSE = ("--securebits=+no_setuid_fixup", "--inh-caps=-all,+dac_override", "--ambient-caps=+dac_override")


@functools.cache
def choose(checkout: Path) -> pwd.struct_passwd | None:
    """Return the account to run under, None for the caller's own.

    As root it is the owner of the checkout, else the first of `CANDIDATES` that this machine has.
    """
    if os.geteuid() != 0:
        return None
    owner = checkout.stat().st_uid
    for look_up, key in ((pwd.getpwuid, owner), *((pwd.getpwnam, name) for name in CANDIDATES)):
        try:
            account = look_up(key)  # type: ignore[operator]
        except KeyError:
            continue
        if account.pw_uid != 0:
            return account
    raise FixConfiguration(
        "PostgreSQL refuses to run as root and no other account exists.", hint="run make as an ordinary user"
    )


@functools.cache
def prefix(checkout: Path, program: Path, folder: Path) -> tuple[str, ...]:
    """Return the words to put before a command so that it runs under the chosen account.

    Where the account cannot run `program` or enter `folder` (a checkout below /root), it is given the one capability
    that lets it pass; no folder's mode is changed.
    """
    account = choose(checkout)
    if account is None:
        return ()
    for words in _ways(account):
        if _passes(words, program, folder):
            return words
    raise FixConfiguration(
        f"{account.pw_name} cannot run {program} or enter {folder}, and PostgreSQL refuses to run as root.",
        hint="run make as an ordinary user, or move the checkout to a folder that everybody may enter",
    )


def _ways(account: pwd.struct_passwd) -> list[tuple[str, ...]]:
    setpriv = shutil.which("setpriv")
    if setpriv:
        base = (setpriv, f"--reuid={account.pw_uid}", f"--regid={account.pw_gid}", "--clear-groups")
        return [base, (*base, *TRAVERSE)]
    sudo = shutil.which("sudo")
    return [(sudo, "-n", "-u", account.pw_name)] if sudo else []


def _passes(words: tuple[str, ...], program: Path, folder: Path) -> bool:
    look = ("sh", "-c", '"$1" --version && test -x "$2"', "sh", str(program), str(folder))
    return subprocess.run([*words, *look], cwd="/", capture_output=True, check=False).returncode == 0  # noqa: S603
