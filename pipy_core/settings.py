"""What a user can set for the whole process. The only place that reads ``PIPY_*`` from the environment.

Knows neither argv nor what the settings are used for.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from pipy_core.errors import ArgumentError
from pipy_core.limits import Limits
from pipy_core.options import DEFAULT_ACCESS_LOG, MOST_THREADS, OPTIONS


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything that is set from outside the script.

    :ivar script: the path of the script to run, or the URL of a codebase.
    :ivar verify: load the script, say whether it is good, and end.
    :ivar watch: reload when files of the script change.
    :ivar log_level: one of ``LOG_LEVELS``.
    :ivar log_format: one of ``LOG_FORMATS``.
    :ivar access_log: how requests are logged, see ``request_log``; empty: they are not; None: nobody has said.
    :ivar access_log_file: the file that they are logged into; empty: standard output.
    :ivar threads: how many worker processes there are.
    :ivar user: who the workers run as, where the program was started as root; empty: who started it.
    :ivar group: their group; empty: that of the user.
    :ivar reuse_port: listen with ``SO_REUSEPORT``, so that several processes share the ports.
    :ivar shutdown_timeout: seconds that open connections are given to finish when the program is to end.
    :ivar drain_timeout: seconds that connections of an older generation of the script are given to finish.
    :ivar engine: what runs scripts, one of ``ENGINES``.
    :ivar load_timeout: seconds of CPU that evaluating one script file may take.
    :ivar call_timeout: seconds of CPU that one call of a script function may take.
    :ivar heap_limit_mb: how large the heap of scripts may grow, in megabytes.
    :ivar admin_address: IP address and port of the admin service, or None.
    :ivar admin_token: what requests to the admin service have to know; empty: nothing.
    :ivar admin_tls_cert: file with the certificate of the admin service, in PEM; empty: it does not speak TLS.
    :ivar admin_tls_key: file with its key.
    :ivar admin_tls_trusted: file or directory with the client certificates it accepts; empty: it asks for none.
    :ivar tls_cert: file with the certificate shown to the server of a remote codebase.
    :ivar tls_key: file with its key.
    :ivar tls_trusted: file or directory with the certificates accepted from that server; empty: those the system trusts.
    :ivar poll_interval: seconds between two looks at the server of a remote codebase.
    :ivar cache_dir: directory for copies of remote codebases; empty: the usual one of the user.
    :ivar limits: those of the process, and of ports that say nothing else.
    """

    script: str = ""
    verify: bool = False
    watch: bool = False
    log_level: str = "info"
    log_format: str = "text"
    access_log: str | None = None
    access_log_file: str = ""
    threads: int = 1
    user: str = ""
    group: str = ""
    reuse_port: bool = False
    shutdown_timeout: float = 30.0
    drain_timeout: float = 600.0
    engine: str = "auto"
    load_timeout: float = 5.0
    call_timeout: float = 1.0
    heap_limit_mb: int = 256
    admin_address: tuple[str, int] | None = None
    admin_token: str = ""
    admin_tls_cert: str = ""
    admin_tls_key: str = ""
    admin_tls_trusted: str = ""
    tls_cert: str = ""
    tls_key: str = ""
    tls_trusted: str = ""
    poll_interval: float = 5.0
    cache_dir: str = ""
    limits: Limits = field(default_factory=Limits)

    @property
    def request_log(self) -> str:
        """The format in which requests are logged; empty: they are not. Who names a file for them wants them to be."""
        if self.access_log is None:
            return DEFAULT_ACCESS_LOG if self.access_log_file else ""
        return self.access_log


def with_value(settings: Settings, option: str, text: str) -> Settings:
    """*settings* with one of them changed.

    :param option: one of ``OPTIONS``, such as ``log-level``.
    :raises ArgumentError: *text* is no value for it; says what it was.
    """
    chosen = OPTIONS[option]
    value = chosen.read(text)
    _, of_limits, name = chosen.setting.partition("limits.")
    if of_limits:
        return replace(settings, limits=replace(settings.limits, **{name: value}))
    return replace(settings, **{chosen.setting: value})


def from_environment(environ: Mapping[str, str]) -> Settings:
    """The settings where the command line says nothing: defaults, or what the environment gives.

    ``PIPY_CONFIG_FILE`` is the script; every option with a value has a variable: ``PIPY_LOG_LEVEL`` is ``--log-level``.
    ``PIPY_SPAWN`` is how many workers there are besides the first (spec: cli-admin.md, 3). An empty variable counts as absent.

    :raises ArgumentError: a variable has a wrong value; names it.
    """
    settings = Settings(script=environ.get("PIPY_CONFIG_FILE", ""))
    for option in OPTIONS:
        variable = "PIPY_" + option.upper().replace("-", "_")
        text = environ.get(variable, "")
        if text:
            try:
                settings = with_value(settings, option, text)
            except ArgumentError as error:
                raise ArgumentError(f"{variable}: {error}") from None
    spawn = environ.get("PIPY_SPAWN", "")
    return replace(settings, threads=_spawned(spawn)) if spawn else settings


def _spawned(text: str) -> int:
    if not (text.isascii() and text.isdigit() and int(text) < MOST_THREADS):
        raise ArgumentError(f"invalid PIPY_SPAWN: {text}: expected a number from 0 to {MOST_THREADS - 1}")
    return int(text) + 1
