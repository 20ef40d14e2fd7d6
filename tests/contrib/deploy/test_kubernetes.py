"""The manifests and the chart, checked against the schemas of Kubernetes by Kubernetes' own rules, and Helm's."""

import importlib
import os
import sys

import pytest

from pipy_core.cli import parse
from tests.contrib.deploy.tools import DEPLOY, ROOT, check_script, find, run
from tests.system.pipy_process import PipyProcess, free_port
from tests.system.test_transparent import unshared, why_not

KUBERNETES = DEPLOY / "kubernetes"
CHART = DEPLOY / "helm" / "pipy"
MANIFESTS = sorted(KUBERNETES.glob("*.yaml"))
#: The oldest one with containers that go on beside the others, and the newest that the checker knows.
VERSIONS = ["1.29", "1.33"]
VALUES = {
    "as they are": {},
    "everything on": {
        "autoscaling": {"enabled": True},
        "networkPolicy": {"enabled": True},
        "accessLog": "combined",
        "extraArgs": ["--log-level=warn"],
        "imagePullSecrets": [{"name": "registry"}],
        "image": {"tag": "1.2.3"},
        "serviceAccount": {"annotations": {"a": "b"}},
        "service": {"type": "LoadBalancer", "externalTrafficPolicy": "Local", "annotations": {"a": "b"}},
        "ports": {"tls": {"containerPort": 8443, "servicePort": 443}},
        "envFrom": [{"configMapRef": {"name": "more"}}],
        "podAnnotations": {"a": "b"},
        "podLabels": {"c": "d"},
        "nodeSelector": {"kubernetes.io/os": "linux"},
        "tolerations": [{"operator": "Exists"}],
        "affinity": {"nodeAffinity": {}},
    },
    "nothing of its own": {
        "admin": {"existingSecret": "token"},
        "existingConfigMap": "scripts",
        "main": "https://codebases.invalid/repo/main/",
        "serviceAccount": {"create": False},
        "podDisruptionBudget": {"enabled": False},
        "fullnameOverride": "gateway",
    },
}


@pytest.fixture
def yaml():
    return pytest.importorskip("yaml", reason="PyYAML comes with the linters, which are not installed here")


@pytest.fixture
def helm():
    return pytest.importorskip("helm_python", reason="there is no build of Helm for Python here; tests/set-up installs it on x86")


def test_every_file_is_good_yaml():
    rules = "{extends: default, rules: {line-length: {max: 132}, document-start: disable, truthy: {check-keys: false}}}"
    files = [path for path in DEPLOY.rglob("*.yaml") if "templates" not in path.parts]
    assert len(files) >= 5
    run(find("yamllint"), "--strict", "-d", rules, *files, *(ROOT / ".github" / "workflows").glob("*.yml"))


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("path", MANIFESTS, ids=lambda path: path.stem)
def test_manifests_are_what_kubernetes_takes(path, version):
    run(find("kubernetes-validate"), "--strict", "--kubernetes-version", version, path)


@pytest.mark.parametrize("path", MANIFESTS, ids=lambda path: path.stem)
def test_scripts_in_manifests_can_be_loaded(path, yaml, tmp_path):
    scripts = [
        item for each in yaml.safe_load_all(path.read_text()) if each["kind"] == "ConfigMap" for item in each["data"].items()
    ]
    assert scripts
    for name, text in scripts:
        check_script(text, name, tmp_path)


def pods(documents):
    for each in documents:
        if each["kind"] == "Deployment":
            yield each["spec"]["template"]["spec"]


def check_pod(pod):
    """What is true of every container with Pipy, wherever it stands."""
    (container,) = [each for each in pod["containers"] + pod.get("initContainers", []) if each["name"] == "pipy"]
    environment = {each["name"]: each.get("value", "from a secret") for each in container["env"]}
    _, start, *options = container["args"]
    assert start == "docker-start"
    settings = parse(options).choose(environment)
    assert settings.admin_token, "or it would not start: everybody in the cluster reaches its admin port"
    assert settings.admin_address == ("0.0.0.0", 6060)
    assert {each["name"]: each["containerPort"] for each in container["ports"]}["admin"] == 6060
    assert container["livenessProbe"]["httpGet"] == {"path": "/healthz", "port": "admin"}
    assert container["readinessProbe"]["httpGet"] == {"path": "/readyz", "port": "admin"}
    assert pod["terminationGracePeriodSeconds"] > settings.shutdown_timeout + 5
    security = {**pod["securityContext"], **container["securityContext"]}
    assert security["runAsNonRoot"]
    assert security["readOnlyRootFilesystem"]
    assert security["capabilities"] == {"drop": ["ALL"]}
    assert "limits" in container["resources"]


@pytest.mark.parametrize("path", MANIFESTS, ids=lambda path: path.stem)
def test_pods_start_what_there_is(path, yaml):
    (pod,) = pods(yaml.safe_load_all(path.read_text()))
    check_pod(pod)


def test_helms_linter_has_nothing_to_say(helm):
    told = helm.lint(CHART, strict=True)
    assert told["errors"] == []
    assert [each["error"] for each in told["messages"] if each["severity"] >= 2] == []


@pytest.mark.parametrize("values", VALUES.values(), ids=VALUES)
def test_what_the_chart_makes_is_what_kubernetes_takes(values, helm, yaml, tmp_path):
    with helm.Chart.load(CHART) as chart:
        made = chart.render(values, name="shop", namespace="web")
    documents = []
    for name, text in made.items():
        if name.endswith(".yaml") and text.strip():
            (tmp_path / name.replace("/", "-")).write_text(text)
            documents.append(yaml.safe_load(text))
    for version in VERSIONS:
        run(find("kubernetes-validate"), "--strict", "--kubernetes-version", version, *tmp_path.glob("*.yaml"))
    (pod,) = pods(documents)
    check_pod(pod)
    kinds = {each["kind"] for each in documents}
    assert ("HorizontalPodAutoscaler" in kinds) == ("autoscaling" in values)
    assert ("ConfigMap" in kinds) == ("existingConfigMap" not in values)
    assert ("Secret" in kinds) == ("admin" not in values)
    name = values.get("fullnameOverride", "shop-pipy")
    assert f"{name}.web:80 (http)" in made["pipy/templates/NOTES.txt"]


def test_the_script_of_the_chart_can_be_loaded(yaml, tmp_path):
    for name, text in yaml.safe_load((CHART / "values.yaml").read_text())["scripts"].items():
        check_script(text, name, tmp_path)


@pytest.mark.parametrize(
    "values",
    [
        {"workers": 0},
        {"replicas": 3},
        {"ports": {"http": {"containerPort": 80}, "Upper": {"containerPort": 1, "servicePort": 1}}},
        {"extraArgs": ["log-level=warn"]},
        {"service": {"type": "External"}},
    ],
    ids=str,
)
def test_wrong_values_are_refused(values, helm):
    errors = importlib.import_module("helm_python.errors")
    with helm.Chart.load(CHART) as chart, pytest.raises(errors.HelmValuesError):
        chart.render(values)


def test_a_changed_config_map_is_loaded(tmp_path):
    """As kubelet changes it: files are links into a directory that is itself a link, and that one is replaced."""
    port = free_port()

    def put(name):
        (tmp_path / name).mkdir()
        (tmp_path / name / "proxy.js").write_text(f"pipy().listen({port}).serveHTTP(new Message('{name}'))")

    put("one")
    mounted = tmp_path / "mounted"
    mounted.mkdir()
    (mounted / "..data").symlink_to(tmp_path / "one")
    (mounted / "proxy.js").symlink_to("..data/proxy.js")
    with PipyProcess(mounted / "proxy.js", directory=tmp_path, options=["--watch"], ports=[port]) as pipy:
        ask = (find("curl"), "-sS", "--noproxy", "*", f"http://127.0.0.1:{port}/")
        assert run(*ask) == "one"
        put("two")
        (mounted / "..tmp").symlink_to(tmp_path / "two")
        (mounted / "..tmp").rename(mounted / "..data")
        pipy.wait_for_log("Codebase reloaded")
        assert run(*ask) == "two"


SIDECAR = """
set -e
ip link set lo up
unshare --net sleep 300 &
client=$!
trap 'kill $client' EXIT
until [ "$(readlink /proc/$client/ns/net)" != "$(readlink /proc/self/ns/net)" ]; do sleep 0.05; done
ip link add pod type veth peer name outside netns $client
ip addr add 10.8.0.1/24 dev pod
ip link set pod up
nsenter --net=/proc/$client/ns/net sh -ec 'ip addr add 10.8.0.2/24 dev outside; ip link set outside up'
{redirect}
{python} app.py &
app=$!
{python} -m pipy_core sidecar.js > log 2>&1 &
pipy=$!
trap 'kill $client $app $pipy' EXIT
for _ in $(seq 600); do grep -q 'Listening on port 15006' log && [ -e ready ] && break; sleep 0.1; done
nsenter --net=/proc/$client/ns/net curl -sS --noproxy '*' --max-time 10 http://10.8.0.1:8080/
"""
APP = """
import http.server, pathlib

class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        body = f"seen by {self.headers['x-seen-by']}, from {self.client_address[0]}".encode()
        self.send_response(200)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

server = http.server.HTTPServer(("0.0.0.0", 8080), Handler)
pathlib.Path("ready").touch()
server.serve_forever()
"""


def test_the_sidecar_sees_what_comes_to_the_application(yaml, tmp_path):
    """Its init container, its script and an application, in a pod made of a network of its own; the client is in another one."""
    reason = why_not()
    if reason:
        pytest.skip(reason)
    documents = list(yaml.safe_load_all((KUBERNETES / "sidecar.yaml").read_text()))
    (pod,) = pods(documents)
    (redirect,) = (each["args"][0] for each in pod["initContainers"] if each["name"] == "redirect")
    (tmp_path / "sidecar.js").write_text(documents[0]["data"]["sidecar.js"])
    (tmp_path / "app.py").write_text(APP)
    commands = SIDECAR.replace("{redirect}", redirect).replace("{python}", sys.executable)
    done = unshared(commands, cwd=tmp_path, env={**os.environ, "PYTHONPATH": str(ROOT)})
    assert done.stdout == "seen by pipy, from 127.0.0.1", done.stderr + (tmp_path / "log").read_text()
