"""Tests leave nothing behind in the isolate that they share."""

import gc

from pipy_core.settings import Settings
from pipy_core.trial.runner import on_bench
from pipy_core.trial.sheet import Sheet

SCRIPT = """
pipy({ _n: 0 })
  .listen(1).demuxHTTP('request').pipeline('request').handleMessageStart(() => _n++).muxHTTP('up', 'a').pipeline('up').connect('a:1')
  .listen(2).handleData(() => _n++).connect('b:1')
  .task('1s').handleMessageStart(() => _n++)
  .pipeline('p').handleMessage(() => _n++)
"""
TESTS = """
test('all of it', async t => {
  t.upstream('a:1', () => 'hello')
  t.tcp('b:1')
  await t.port(1).request({ method: 'POST' }, 'body')
  await t.port(1).open().request()
  await t.port(2).open().send('x')
  await t.pipeline('p').send(new Message({ a: 1 }, 'x'))
  await t.task().start()
  await t.advance(3)
})
"""


def test_nothing_is_left_behind(registry, tmp_path):
    files = {"/a.js": SCRIPT.encode(), "/a.test.js": TESTS.encode()}
    counts = []

    def work(bench):
        sheet = Sheet(bench, tmp_path / "a.test.js", files)
        sheet.load()
        for _ in range(30):
            assert sheet.run(0).problems == []
            gc.collect()
            counts.append(bench.engine.count())

    on_bench(registry, Settings(), work)
    assert counts[-1] == counts[5]
