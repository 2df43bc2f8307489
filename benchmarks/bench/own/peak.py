"""The fastest fp32 matrix product of this machine, at the embedding model's shapes, all cores.

Prints GFLOP/s of each library and shape: numpy's BLAS and onnxruntime's MatMul.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable

import numpy as np
import onnx
import onnxruntime
from numpy.typing import NDArray
from onnx import TensorProto, helper

from benchmarks.bench.machine import cores

WIDTH, INNER = 384, 1536  # of MiniLM: its square matrices, and its feed-forward part
TOKENS = (200, 800, 3200)  # a chunk, a batch, and one that no cache limits
SECONDS = 0.5  # a shape; the best product of that time counts


def best(product: Callable[[], object]) -> float:
    """Return the seconds of the fastest of many calls."""
    product()
    fastest, ends = np.inf, time.perf_counter() + SECONDS
    while time.perf_counter() < ends:
        began = time.perf_counter()
        product()
        fastest = min(fastest, time.perf_counter() - began)
    return float(fastest)


def session(rows: int, weights: NDArray[np.float32]) -> onnxruntime.InferenceSession:
    """Return a graph of one MatMul with constant weights, as the model has it."""
    inner, columns = weights.shape
    x = helper.make_tensor_value_info("x", TensorProto.FLOAT, [rows, inner])
    y = helper.make_tensor_value_info("y", TensorProto.FLOAT, [rows, columns])
    constant = onnx.numpy_helper.from_array(weights, "w")
    node = helper.make_node("MatMul", ["x", "w"], ["y"])
    graph = helper.make_graph([node], "product", [x], [y], [constant])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = cores()
    options.log_severity_level = 3
    content = model.SerializeToString()
    return onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])


def main() -> None:
    """Measure every shape."""
    generator = np.random.default_rng(0)
    found = {}
    for rows in TOKENS:
        for inner, columns in ((WIDTH, WIDTH), (WIDTH, INNER), (INNER, WIDTH)):
            a = generator.standard_normal((rows, inner), dtype=np.float32)
            b = generator.standard_normal((inner, columns), dtype=np.float32)
            out = np.empty((rows, columns), np.float32)
            graph = session(rows, b)
            ways = {
                "numpy": lambda a=a, b=b, out=out: np.matmul(a, b, out=out),
                "onnxruntime": lambda a=a, graph=graph: graph.run(None, {"x": a}),
            }
            for library, product in ways.items():
                rate = 2 * rows * inner * columns / best(product) / 1e9
                found[f"{library} {rows}x{inner}x{columns}"] = round(rate, 1)
    largest = max(found, key=found.__getitem__)
    print(json.dumps({"gflops": found[largest], "where": largest, "all": found}))


if __name__ == "__main__":
    main()
