"""Ask models with tritonclient: python ask_triton.py PORT < rows of each model; prints what each way was answered."""

import json
import sys

import numpy as np
import tritonclient.http as triton

KINDS = {"FP64": np.float64, "INT64": np.int64, "BOOL": np.bool_, "BYTES": np.object_}


def inputs(metadata, rows, **settings):
    made = []
    for tensor in metadata["inputs"]:
        values = np.array([row[tensor["name"]] for row in rows], dtype=KINDS[tensor["datatype"]])
        made.append(triton.InferInput(tensor["name"], [len(rows)], tensor["datatype"]))
        made[-1].set_data_from_numpy(values, **settings)
    return made


def told(answer):
    decision = [one.decode() if isinstance(one, bytes) else one for one in answer.as_numpy("decision").tolist()]
    return [answer.as_numpy("prediction").tolist(), decision]


def ask(client, model, rows):
    assert client.is_model_ready(model)
    metadata = client.get_model_metadata(model)
    binary, plain = inputs(metadata, rows), inputs(metadata, rows, binary_data=False)
    outputs = [triton.InferRequestedOutput(name, binary_data=False) for name in ("prediction", "decision")]
    answers = {
        "defaults": client.infer(model, binary),
        "no binary inputs": client.infer(model, plain),
        "no binary outputs": client.infer(model, binary, outputs=outputs),
        "gzip": client.infer(model, binary, request_compression_algorithm="gzip"),
        "deflate": client.infer(model, binary, request_compression_algorithm="deflate"),
        "version": client.infer(model, binary, model_version=metadata["versions"][0]),
    }
    return {way: told(answer) for way, answer in answers.items()}


client = triton.InferenceServerClient(f"127.0.0.1:{sys.argv[1]}")
assert client.is_server_live()
assert client.is_server_ready()
print(json.dumps({model: ask(client, model, rows) for model, rows in json.load(sys.stdin).items()}))
