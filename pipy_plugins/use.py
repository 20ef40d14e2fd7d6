"""``use(...)``: pipelines of other modules, one behind the other, and back through their down pipelines (spec: model.md, 6).

The program loads the modules and looks their pipelines up; this filter gets them as stages.
"""

from collections.abc import Sequence
from functools import partial
from typing import Any

from pipy_core.api import ARRAY, FUNCTION, STRING, Branch, Emit, Event, Filter, Function, Param, Registry, Target, hookimpl


class Use(Filter):
    """Goes through the stages until the script turns the stream down, or to the last one; then the way back.

    :param stages: of each module its pipeline and its down pipeline; modules that have neither are not among them.
    :param when: asked before each stage, once, when the first event gets there: true turns the stream into the way back.
    """

    joins = "link"

    def __init__(self, stages: list[tuple[Target | None, Target | None]], when: Function | None = None) -> None:
        self._stages = stages
        self._when = when
        self._branches: list[Branch] = []
        # Where events go that reach a stage, or its way back; None until the first one does.
        self._ahead: list[Emit | None] = [None] * len(stages)
        self._back: list[Emit | None] = [None] * len(stages)

    @classmethod
    def label(cls, name: str, args: Sequence[Any]) -> str:
        """See ``Filter``: ``use plugins/a.js (plus 2 more) [request]``."""
        modules = [args[0]] if isinstance(args[0], str) else list(args[0])
        if not modules:
            return f"{name} (0 modules)"
        more = f" (plus {len(modules) - 1} more)" if len(modules) > 1 else ""
        return f"{name} {modules[0]}{more} [{args[1]}]"

    def process(self, event: Event) -> None:
        """See ``Filter``."""
        self._enter(0, event)

    def busy(self) -> bool:
        """See ``Filter``."""
        return any(branch.busy() for branch in self._branches)

    def drain(self) -> None:
        """See ``Filter``."""
        for branch in self._branches:
            branch.drain()

    def close(self) -> None:
        """See ``Filter``."""
        for branch in self._branches:
            branch.close()

    def _enter(self, stage: int, event: Event) -> None:
        if stage == len(self._stages):
            self._return(stage - 1, event)
            return
        ahead = self._ahead[stage]
        if ahead is None:
            if self._when is not None and self.host.call(self._when):
                ahead = partial(self._return, stage - 1)
            else:
                ahead = self._through(self._stages[stage][0], partial(self._enter, stage + 1))
            self._ahead[stage] = ahead
        ahead(event)

    def _return(self, stage: int, event: Event) -> None:
        if stage < 0:
            self.emit(event)
            return
        back = self._back[stage]
        if back is None:
            back = self._back[stage] = self._through(self._stages[stage][1], partial(self._return, stage - 1))
        back(event)

    def _through(self, target: Target | None, reply: Emit) -> Emit:
        if target is None:
            return reply
        branch = self.host.join(target, reply)
        self._branches.append(branch)
        return branch.feed


_PIPELINE = Param("pipeline", STRING, "the name of a pipeline in the modules")
_MODULES = Param("modules", ARRAY, "their paths, from the root of the codebase; those without the pipeline are left out")
_TURN_DOWN = Param("turnDown", FUNCTION, "true ends the chain before the next module", default=None)


@hookimpl
def pipy_register_filters(registry: Registry) -> None:
    """See the hook."""
    registry.add_filter(
        "use",
        Use,
        [Param("module", STRING, "its path, from the root of the codebase"), _PIPELINE],
        [_MODULES, _PIPELINE, Param("pipelineDown", STRING, "the name of the pipelines on the way back"), _TURN_DOWN],
        [_MODULES, _PIPELINE, _TURN_DOWN],
        help="Sends the stream through a pipeline of another module, or of several modules, one behind the other and, if asked "
        "for, back through a second pipeline of each in reverse order. All share the context.",
        group="joint",
        loads_modules=True,
    )
