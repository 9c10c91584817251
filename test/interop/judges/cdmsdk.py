"""Microsoft's Common Data Model SDK resolves model.json; pandas reads the partitions as the SDK describes them."""

import asyncio
from pathlib import Path

import pandas
from cdm.enums import CdmStatusLevel
from cdm.objectmodel import CdmCorpusDefinition
from cdm.storage import LocalAdapter

from .incremental import IncrementalJudge, Part


class FileAddresses(LocalAdapter):
    """The SDK's local adapter, which knows paths, made to know file: addresses too."""

    def create_corpus_path(self, adapter_path):
        return super().create_corpus_path((adapter_path or "").removeprefix("file://"))


class CDM(IncrementalJudge):
    name = "cdm-sdk"

    def read(self, folders: list[Path], tables: list[str]) -> list[tuple[str, Part]]:
        return [p for f in folders for p in asyncio.run(self.folder(f, tables))]

    async def folder(self, folder: Path, tables: list[str]) -> list[tuple[str, Part]]:
        said = []
        corpus = CdmCorpusDefinition()
        corpus.set_event_callback(lambda level, message: said.append(f"{level.name}: {message}"), CdmStatusLevel.WARNING)
        corpus.storage.mount("local", FileAddresses(root=str(folder)))
        corpus.storage.default_namespace = "local"
        manifest = await corpus.fetch_object_async("model.json")
        out = []
        for declaration in manifest.entities if manifest else []:
            if declaration.entity_name not in tables:
                continue
            entity = await corpus.fetch_object_async(declaration.entity_path, manifest)
            attributes = [(a.name, a.data_format.value[0].lower() + a.data_format.value[1:]) for a in entity.attributes]
            cells = []
            for p in declaration.data_partitions:
                cells += self.partition(corpus, manifest, p, len(attributes))
            out.append((declaration.entity_name, Part(folder.name, attributes, cells)))
        assert not said, "the SDK says: " + "; ".join(said[:5])
        return out

    def partition(self, corpus, manifest, partition, width: int) -> list[list[str]]:
        path = corpus.storage.corpus_path_to_adapter_path(
            corpus.storage.create_absolute_corpus_path(partition.location, manifest))
        form = {a.name: a.value for t in partition.exhibits_traits if t.named_reference == "is.partition.format.CSV" for a in t.arguments}
        assert form["columnHeaders"] == "false" and form["quoteStyle"] == "QuoteStyle.Csv", form
        with open(path, newline="", encoding=form["encoding"]) as f:
            frame = pandas.read_csv(f, sep=form["delimiter"], header=None, names=range(width), index_col=False, dtype=str,
                                    keep_default_na=False, na_filter=False, quotechar='"', doublequote=True, engine="c")
        return frame.values.tolist()
