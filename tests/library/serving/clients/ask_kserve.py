"""Ask models with KServe's client: python ask_kserve.py PORT < rows of each model; prints each way's answers."""

import asyncio
import json
import sys

import numpy as np
from kserve import InferenceRESTClient, InferInput, InferRequest, RESTConfig

KINDS = {"FP64": np.float64, "INT64": np.int64, "BOOL": np.bool_, "BYTES": np.object_}


async def ask(url, model, rows):
    first, second = InferenceRESTClient(), InferenceRESTClient(RESTConfig(protocol="v2"))
    for client in (first, second):
        assert await client.is_model_ready(url, model)
    assert await second.is_server_ready(url)
    answer = await first.infer(url, {"instances": rows}, model_name=model)
    metadata = (await second._client.get(f"{url}/v2/models/{model}")).json()
    inputs = []
    for tensor in metadata["inputs"]:
        values = np.array([row[tensor["name"]] for row in rows], dtype=KINDS[tensor["datatype"]])
        inputs.append(InferInput(tensor["name"], [len(rows)], tensor["datatype"]))
        inputs[-1].set_data_from_numpy(values)
    inferred = await second.infer(url, InferRequest(model, inputs), model_name=model)
    by_name = {output.name: output.as_numpy().tolist() for output in inferred.outputs}
    return {
        "v1": [[one[key] for one in answer["predictions"]] for key in ("prediction", "decision")],
        "v2": [by_name["prediction"], by_name["decision"]],
    }


async def ask_all(url, models):
    return {model: await ask(url, model, rows) for model, rows in models.items()}


print(json.dumps(asyncio.run(ask_all(f"http://127.0.0.1:{sys.argv[1]}", json.load(sys.stdin)))))
