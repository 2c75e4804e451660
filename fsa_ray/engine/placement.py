"""Where Ray and the engine run. Nothing here changes a result; sections `ray` and `engine` of a placement file."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field


class RayPlacement(BaseModel):
    """Section `ray`: which Ray, and how much of a machine it may have."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    address: str = Field(
        default="local",
        description="local: our own Ray on this machine; auto: the cluster that this machine belongs to",
    )
    logical_cpus: int = Field(
        default=16, ge=4, description="of a local Ray: more than cores, so that no small task starves"
    )
    object_store_mib: int = Field(default=512, ge=80, description="memory for objects of a local Ray")
    metrics_port: int | None = Field(
        default=None, ge=1, le=65535, description="of a local Ray, for Prometheus; null: no metrics"
    )
    autoscaling: bool = Field(default=False, description="whether the cluster can grow nodes that it does not have now")
    open: bool = Field(
        default=False,
        description="join a Ray that asks nobody for a token, so that whoever reaches it can run code there",
    )


class EnginePlacement(BaseModel):
    """Section `engine`: one vLLM engine per replica; a replica lives on one node."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    device: Literal["cpu", "gpu"] = Field(default="cpu", description="which vLLM is installed here")
    replicas: int = Field(default=1, ge=1, description="engines, each on one node")
    cpus: float = Field(default=1.0, gt=0, description="logical CPUs that a replica reserves")
    threads: int | None = Field(default=None, ge=1, description="of a CPU engine; null: one per core of its node")
    gpus: int = Field(default=1, ge=1, description="per replica, on `gpu`: the tensor-parallel size")
    max_num_seqs: int = Field(default=128, ge=1, description="prompts that a replica answers at a time")
    gpu_memory_utilization: float = Field(default=0.9, gt=0, le=1, description="share of a GPU's memory")
    kv_cache_gib: int = Field(default=1, ge=1, description="of a CPU engine: room for the prompts being answered")
    start_timeout_s: float = Field(default=900.0, gt=0, description="until an engine answers, nodes included")
    unit_timeout_s: float = Field(
        default=3600.0, gt=0, description="for one unit of prompts, waiting for the engine included"
    )
    units_in_flight: int = Field(
        default=3, ge=1, description="units of rows that a replica has at a time; lost, and asked again, after a crash"
    )
    unit_rows: int = Field(default=64, ge=1, description="rows committed together")

    @property
    def total_units_in_flight(self) -> int:
        return self.replicas * self.units_in_flight

    def rows_at_risk(self, begun: int = 0) -> int:
        """The most rows that a crash makes us ask again. `begun`: rows of a unit of work that began so."""
        return self.total_units_in_flight * max(self.unit_rows, begun)


class WorkersPlacement(BaseModel):
    """Base of the sections of stages that map a model of their own over units."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    workers: int = Field(default=1, ge=1, description="processes, each with a model of its own")
    threads: int = Field(default=2, ge=1, description="of each worker")
    gpus: float = Field(default=0.0, ge=0, description="of each worker")
    start_timeout_s: float = Field(default=300.0, gt=0, description="until all workers run, nodes included")

    @property
    def need(self) -> dict[str, float]:
        """What each worker reserves."""
        return {"CPU": float(self.threads), **({"GPU": self.gpus} if self.gpus else {})}
