"""Ask a model with a client that was generated: python ask_generated.py GENERATOR PORT MODEL CLASS < rows.

CLASS is how the generator begins the names of the model's classes. The client's package is in the current folder.
"""

import importlib
import json
import sys

GENERATOR, PORT, MODEL, CLASS = sys.argv[1:]
URL = f"http://127.0.0.1:{PORT}"
ROWS = json.load(sys.stdin)
sys.path.insert(0, "")


class OpenApiGenerator:
    """The client of openapi-generator."""

    def __init__(self):
        self.classes = importlib.import_module("openapi_client")
        self._api = self.classes.DefaultApi(self.classes.ApiClient(self.classes.Configuration(host=URL)))

    def made(self, name, content):
        return getattr(self.classes, name).from_dict(content)

    def predict(self, form, content):
        body = self.made(f"{CLASS}Request", content)
        assert type(body.actual_instance).__name__ == f"{CLASS}{form}"
        return getattr(self._api, f"predict_{MODEL}")(body)

    def ask(self, operation, *arguments):
        return getattr(self._api, operation)(*arguments)


class OpenApiPythonClient:
    """The client of openapi-python-client."""

    def __init__(self):
        self.classes = importlib.import_module("generated.models")
        self._client = importlib.import_module("generated").Client(base_url=URL, raise_on_unexpected_status=True)

    def made(self, name, content):
        return getattr(self.classes, name).from_dict(content)

    def predict(self, form, content):
        return self.ask(f"predict_{MODEL}", self.made(f"{CLASS}{form}", content))

    def ask(self, operation, *arguments):
        module = importlib.import_module(f"generated.api.default.{operation}")
        *path, body = arguments or [None]
        return module.sync(*path, client=self._client, **({"body": body} if body is not None else {}))


def plain(values):
    return [getattr(value, "value", value) for value in values]


client = {"openapi-generator": OpenApiGenerator, "openapi-python-client": OpenApiPythonClient}[GENERATOR]()
assert client.ask("health").status == "alive"
assert client.ask(f"model_{MODEL}").bundle
metadata = client.ask(f"metadata_{MODEL}")
told = {}
for way, content in {"Row": ROWS[0], "Rows": {"rows": ROWS}}.items():
    predictions = client.predict(way, content).predictions
    told[way] = [[one.prediction for one in predictions], plain(one.decision for one in predictions)]
columns = client.predict("Columns", {"columns": {name: [row[name] for row in ROWS] for name in ROWS[0]}}).columns
told["Columns"] = [columns.prediction, plain(columns.decision)]
tensors = [
    {
        "name": tensor.name,
        "datatype": tensor.datatype,
        "shape": [len(ROWS)],
        "data": [row[tensor.name] for row in ROWS],
    }
    for tensor in metadata.inputs
]
body = client.made(f"{CLASS}Infer", {"inputs": tensors})
for way, inferred in {
    "infer": client.ask(f"infer_{MODEL}", body),
    "version": client.ask(f"infer_{MODEL}_version", metadata.versions[0], body),
}.items():
    prediction, decision = [output.data for output in inferred.outputs]
    width = len(prediction) // len(ROWS)  # a tensor of two dimensions is flat
    if width > 1:
        prediction = [prediction[place : place + width] for place in range(0, len(prediction), width)]
    told[way] = [prediction, decision]
print(json.dumps(told))
