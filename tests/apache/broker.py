"""Apache Kafka as a child process: one broker in KRaft mode on loopback, from the jars that `deploy/pom.xml` names."""

from __future__ import annotations

import base64
import shutil
import subprocess
from pathlib import Path
from uuid import uuid4

from streams.errors import ServerMissing
from streams.lab.servers.broker import cluster_id_of
from streams.lab.servers.server import NotYet, Server, ServerFailed
from streams.lab.servers.spawn import free_port

ROOT = Path(__file__).parents[2]
POM = ROOT / "deploy" / "pom.xml"
#: where the jars lie from one run to the next
JARS = ROOT / ".kafka"
#: enough for one broker of a test, and left to the workers otherwise
_JAVA = (shutil.which("java") or "java", "-Xms256m", "-Xmx512m", "-XX:+UseSerialGC")

_PROPERTIES = """\
process.roles=broker,controller
node.id=1
controller.quorum.bootstrap.servers=127.0.0.1:{controller}
listeners=PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller}
controller.listener.names=CONTROLLER
inter.broker.listener.name=PLAINTEXT
listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT
log.dirs={data}
offsets.topic.replication.factor=1
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
group.initial.rebalance.delay.ms=0
auto.create.topics.enable=false
"""


class ToolMissing(Exception):
    """Java or Maven is not there, or Maven could not bring the jars; the message says which."""


def fetch_jars() -> None:
    """Let Maven bring what `deploy/pom.xml` names, unless it lies there already. Raises `ToolMissing`."""
    for tool in ("java", "mvn"):
        if shutil.which(tool) is None:
            raise ToolMissing(f"{tool} is not there: Apache Kafka needs Java 17 or later, and comes by Maven")
    stamp = JARS / "pom.xml"
    if stamp.exists() and stamp.read_bytes() == POM.read_bytes():
        return
    shutil.rmtree(JARS, ignore_errors=True)
    copy = ["mvn", "-q", "-B", "-f", str(POM), "dependency:copy-dependencies", f"-DoutputDirectory={JARS}"]
    ended = subprocess.run(copy, capture_output=True, text=True, check=False)
    if ended.returncode:
        raise ToolMissing(f"Maven could not bring Apache Kafka: {ended.stdout[-800:]}{ended.stderr[-800:]}")
    shutil.copy(POM, stamp)


class ApacheKafka(Server):
    """A broker that keeps its log in `directory` over stop() or kill() and start()."""

    name = "apache-kafka"

    def __init__(self, directory: Path, port: int = 0) -> None:
        super().__init__(directory, port)
        self._controller = free_port()
        self._cluster_id = base64.urlsafe_b64encode(uuid4().bytes).decode().rstrip("=")

    def _command(self) -> list[str]:
        properties, data = self.directory / "server.properties", self.directory / "data"
        properties.write_text(_PROPERTIES.format(port=self.port, controller=self._controller, data=data), "utf-8")
        if not data.exists():
            self._format(properties)
        return [*_JAVA, "-cp", f"{JARS}/*", "kafka.Kafka", str(properties)]

    def _format(self, properties: Path) -> None:
        words = ["format", "--standalone", "-t", self._cluster_id, "-c", str(properties)]
        tool = [*_JAVA, "-cp", f"{JARS}/*", "kafka.tools.StorageTool", *words]
        ended = subprocess.run(tool, capture_output=True, text=True, check=False)
        if ended.returncode:
            raise ServerFailed(f"the {self.name} could not make its log: {ended.stdout}{ended.stderr}")

    def _check(self) -> None:
        try:
            found = cluster_id_of(self.address)
        except ServerMissing as error:
            raise NotYet(str(error)) from error
        if found != self._cluster_id:
            raise NotYet(f"another broker, {found}, has the port")
