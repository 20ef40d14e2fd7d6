"""``Hessian``: values in the binary form of Hessian 2.0 (hessian.caucho.com, "Hessian 2.0 Serialization Protocol").

Where that text and Java, which everybody talks to, are of two minds, Java is followed: 0x5f is a number of thousandths, and a
character beyond U+FFFF is written as two surrogates. All of it is in the script: what is encoded may contain itself, and numbers
may be BigInts. Spec: api.md, 5.
"""

from importlib.resources import files

from pipy_core.api import Registry, hookimpl


@hookimpl
def pipy_register_scripts(registry: Registry) -> None:
    """Add the global ``Hessian``."""
    here = files("pipy_plugins")
    source, typings = (here.joinpath(f"hessian{suffix}").read_text("utf-8") for suffix in (".js", ".d.ts"))
    registry.add_script("hessian.js", source, typings)
