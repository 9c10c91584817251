"""The root model.json, which readers open to learn of tables and columns, resolves in Microsoft's SDK."""

import asyncio

from judges import incremental
from judges.cdmsdk import CDM
from story import TABLES


def test_root_model_has_every_table_and_column(story):
    story.at("resync")
    parts = dict(asyncio.run(CDM().folder(story.system.lake, TABLES)))
    assert sorted(parts) == sorted(TABLES)
    for name, part in parts.items():
        assert dict(part.attributes) == incremental.wanted_types(story.truth[name]), name
