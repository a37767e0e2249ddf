"""How onnxruntime is opened wherever it is measured: its own defaults on so many threads."""
import onnxruntime

VERSION = onnxruntime.__version__


def open_session(model, threads):
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
