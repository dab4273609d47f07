"""Splitting a network at a named layer into head and tail, and small changes to their graphs."""

from __future__ import annotations

import copy
import difflib
import dis
import inspect
import operator
from typing import Callable, Iterable, Iterator

import torch
import torch.nn.functional as functional
from torch import Tensor, fx, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval


class SplitError(ValueError):
    """A network that cannot be split where asked; the message says where and why."""


class _Proxy(fx.Proxy):
    """A traced value that "a, b = value" takes apart on Python 3.11 too.

    PyTorch 1.13 looks for that instruction at the wrong place from Python 3.11 on.
    """

    def __iter__(self) -> Iterator[fx.Proxy]:
        frame = inspect.currentframe()
        caller = frame.f_back if frame is not None else None
        if caller is not None:
            for instruction in dis.get_instructions(caller.f_code):
                if instruction.offset == caller.f_lasti and instruction.opname == "UNPACK_SEQUENCE":
                    return (self[index] for index in range(instruction.argval))
        return self.tracer.iter(self)


class _Tracer(fx.Tracer):
    """Remembers the value of every module call, also of modules that are traced into."""

    def __init__(self) -> None:
        super().__init__()
        self.values: dict[str, object] = {}

    def call_module(self, m: nn.Module, forward: Callable, args: tuple, kwargs: dict) -> object:
        value = super().call_module(m, forward, args, kwargs)
        # A module that is called several times (a block's ReLU) stands for its last call.
        self.values[self.path_of_module(m)] = value
        return value

    def proxy(self, node: fx.Node) -> fx.Proxy:
        return _Proxy(node, self)


def split(
    model: nn.Module, layer: str, example_input: Tensor
) -> tuple[fx.GraphModule, fx.GraphModule]:
    """Divide a network after a layer: head(x) gives the features, tail(features) the logits.

    layer: path of a module, such as "layer2", "features.13" or "layer3.1.relu"; a path that names
    several calls means the last. example_input: a batch that is run through both to check them.
    Head and tail share the model's parameters and buffers, and tail(head(x)) computes exactly what
    model(x) does. The model is traced in eval mode; its operations that overwrite their input are
    made to write a new tensor, in the model too, so that the features stay as they are sent. Each
    part's train() and eval() set the shared layers; choices that the model's own code makes by
    `self.training` stay those of eval mode.
    Raises SplitError if the layer does not exist or another value crosses the split.
    """
    known = dict(model.named_modules())
    if layer not in known or not layer:
        near = difflib.get_close_matches(layer, [name for name in known if name], n=5, cutoff=0.4)
        raise SplitError(
            f"layer '{layer}' does not exist in {type(model).__name__}; "
            f"near are {', '.join(near) or 'none'}"
        )
    modes = {module: module.training for module in model.modules()}
    model.eval()
    try:
        head, tail = _split_traced(model, layer)
        with torch.no_grad():
            features = head(example_input)
            if not torch.equal(tail(features), model(example_input)):
                raise SplitError(
                    f"layer '{layer}': tail(head(x)) differs from the network's own result"
                )
    finally:
        for module, training in modes.items():
            module.training = training
    # Graph modules are new modules; only the layers inside them are the model's.
    head.training = tail.training = model.training
    return head, tail


def _split_traced(model: nn.Module, layer: str) -> tuple[fx.GraphModule, fx.GraphModule]:
    tracer = _Tracer()
    try:
        graph = tracer.trace(model)
    except Exception as error:  # tracing runs the network's own code
        raise SplitError(f"{type(model).__name__} cannot be traced: {error}") from error
    _write_new_tensors(model, graph)
    value = tracer.values.get(layer)
    if value is None:
        raise SplitError(f"layer '{layer}' is not called while the network runs")
    if not isinstance(value, fx.Proxy):
        raise SplitError(
            f"layer '{layer}': expected one tensor as its result, found {type(value).__name__}"
        )
    cut = value.node
    inside = _ancestors(cut)
    (output,) = (node for node in graph.nodes if node.op == "output")
    if cut not in _ancestors(output):
        raise SplitError(f"layer '{layer}': the network's result does not depend on it")
    # Parameters read directly belong to whichever part reads them; everything else may cross only
    # at the cut.
    needed = _ancestors(output, until=cut)
    crossing = [
        node
        for node in graph.nodes
        if node in inside
        and node is not cut
        and node.op != "get_attr"
        and any(user in needed and user not in inside for user in node.users)
    ]
    # An input that the features do not need would have to be sent beside them.
    crossing += [
        node for node in graph.nodes if node.op == "placeholder" and node in needed - inside
    ]
    if crossing:
        names = ", ".join(_say(node) for node in crossing)
        raise SplitError(
            f"layer '{layer}': beside its own result, {names} crosses the split; "
            "choose a layer after which one tensor is all that the rest needs"
        )
    head = fx.Graph()
    copies: dict[fx.Node, fx.Node] = {}
    for node in graph.nodes:
        if node in inside:
            copies[node] = head.node_copy(node, lambda old: copies[old])
    head.output(copies[cut])
    tail = fx.Graph()
    copies = {cut: tail.placeholder("features")}
    for node in graph.nodes:
        if node in needed and node is not cut:
            copies[node] = tail.node_copy(node, lambda old: copies[old])
    return _module(model, head, "Head"), _module(model, tail, "Tail")


def _ancestors(node: fx.Node, until: fx.Node | None = None) -> set[fx.Node]:
    """The node and everything that it is computed from, not going beyond `until`."""
    found: set[fx.Node] = set()
    waiting = [node]
    while waiting:
        current = waiting.pop()
        if current not in found:
            found.add(current)
            if current is not until:
                waiting.extend(current.all_input_nodes)
    return found


def _say(node: fx.Node) -> str:
    if node.op == "placeholder":
        return f"the network's input '{node.name}'"
    if node.op == "call_module":
        return f"the result of '{node.target}'"
    return f"the value '{node.name}'"


def _write_new_tensors(model: nn.Module, graph: fx.Graph) -> None:
    plain = {
        operator.iadd: operator.add,
        operator.isub: operator.sub,
        operator.imul: operator.mul,
        operator.itruediv: operator.truediv,
    }
    for module in model.modules():
        if getattr(module, "inplace", False) is True:
            module.inplace = False
    for node in graph.nodes:
        if node.op == "call_function" and node.target in plain:
            node.target = plain[node.target]
        elif (
            node.op == "call_method"
            and node.target.endswith("_")
            and not node.target.endswith("__")
        ):
            node.target = node.target[:-1]
        if node.kwargs.get("inplace") is True:
            node.kwargs = {**node.kwargs, "inplace": False}


def _module(root: nn.Module, graph: fx.Graph, name: str) -> fx.GraphModule:
    graph.lint()
    return fx.GraphModule(root, graph, name)


def divide(network: fx.GraphModule, layer: str) -> tuple[fx.GraphModule, fx.GraphModule]:
    """Divide a traced network of one input behind the module `layer`, which is known by the names of
    its parameters: behind the last of its layers and what follows without parameters of its own,
    but before a global pooling.
    second(first(x)) is network(x). Both share its parameters.

    Raises SplitError if there is no such place, or another value is needed behind it.
    """
    cut, own = None, False
    modules = dict(network.named_modules())
    for node in network.graph.nodes:
        if node.op == "get_attr" or (
            node.op == "call_module"
            and any(True for _ in network.get_submodule(node.target).parameters())
        ):
            own = f"{node.target}.".startswith(f"{layer}.")
        own = own and not _is_global_pooling(node, modules)
        if own and node.op not in ("get_attr", "output"):
            cut = node
    if cut is None:
        raise SplitError(f"layer '{layer}': no layer of the tail belongs to it")
    inside = _ancestors(cut)
    first, second = fx.Graph(), fx.Graph()
    copies: dict[fx.Node, fx.Node] = {}
    for node in network.graph.nodes:
        if node in inside:
            copies[node] = first.node_copy(node, lambda old: copies[old])
    first.output(copies[cut])
    copies = {cut: second.placeholder("features")}
    for node in network.graph.nodes:
        if node in inside:
            continue
        for source in node.all_input_nodes:
            if source not in copies:
                raise SplitError(
                    f"layer '{layer}': beside its result, {_say(source)} is needed behind it"
                )
        copies[node] = second.node_copy(node, lambda old: copies[old])
    return _module(network, first, "Layers"), _module(network, second, "Rest")


def module_of(network: fx.GraphModule, layer: str) -> fx.GraphModule:
    """The part of a traced network that is the module `layer`, known as in `divide`, alone; it shares
    the network's parameters. A shortcut without parameters belongs to it.
    """
    first, _ = divide(network, layer)
    own: set[fx.Node] = set()
    for node in first.graph.nodes:
        named = node.op in ("get_attr", "call_module") and f"{node.target}.".startswith(f"{layer}.")
        if named or any(n in own for n in node.all_input_nodes):
            own.add(node)
    order = {node: place for place, node in enumerate(first.graph.nodes)}
    while True:
        sources = {n for node in own for n in node.all_input_nodes} - own
        if len(sources) == 1:
            break
        own.add(max(sources, key=order.__getitem__))
    graph = fx.Graph()
    copies = {sources.pop(): graph.placeholder("features")}
    for node in first.graph.nodes:
        if node in own and node.op != "output":
            copies[node] = last = graph.node_copy(node, lambda old: copies[old])
    graph.output(last)
    return _module(network, graph, "Layers")


def tail_with_features(tail: fx.GraphModule) -> fx.GraphModule:
    """The tail with two results: logits, and the tail features, the input [N,C,h,w] of its last
    global pooling.

    Raises SplitError if the tail has no global pooling (a mean over height and width, or adaptive
    pooling).
    """
    modules = dict(tail.named_modules())
    pools = [node for node in tail.graph.nodes if _is_global_pooling(node, modules)]
    if not pools:
        raise SplitError("the tail has no global pooling whose input could serve as its features")
    graph = fx.Graph()
    copies: dict[fx.Node, fx.Node] = {}
    for node in tail.graph.nodes:
        if node.op == "output":
            graph.output((copies[node.args[0]], copies[pools[-1].all_input_nodes[0]]))
        else:
            copies[node] = graph.node_copy(node, lambda old: copies[old])
    return _module(tail, graph, "TailWithFeatures")


def _is_global_pooling(node: fx.Node, modules: dict[str, nn.Module]) -> bool:
    if node.op == "call_module":
        return isinstance(modules[str(node.target)], nn.AdaptiveAvgPool2d)
    if node.target is functional.adaptive_avg_pool2d:
        return True
    if node.target == "mean" or node.target is torch.mean:
        axes = node.kwargs.get("dim", node.args[1:] if len(node.args) != 2 else node.args[1])
        return isinstance(axes, Iterable) and {
            axis % 4 for axis in axes if isinstance(axis, int)
        } == {2, 3}
    return False


def fold_batch_norm(module: nn.Module) -> fx.GraphModule:
    """A copy of a module in eval mode, its batch normalisations folded into the convolutions before
    them.

    A normalisation whose convolution has other users, or that does not follow a convolution, is
    kept.
    """
    folded = fx.GraphModule(module, _Tracer().trace(module), type(module).__name__)
    folded = copy.deepcopy(folded).eval()
    modules = dict(folded.named_modules())
    # A layer that is called twice is normalised in two ways, perhaps: it cannot be folded.
    calls = [node.target for node in folded.graph.nodes if node.op == "call_module"]
    for node in list(folded.graph.nodes):
        if node.op != "call_module" or not isinstance(modules[node.target], nn.BatchNorm2d):
            continue
        source = node.args[0]
        if (
            source.op != "call_module"
            or type(modules[source.target]) is not nn.Conv2d
            or len(source.users) > 1
            or calls.count(source.target) > 1
            or calls.count(node.target) > 1
        ):
            continue
        parent, _, last = source.target.rpartition(".")
        fused = fuse_conv_bn_eval(modules[source.target], modules[node.target])
        setattr(folded.get_submodule(parent), last, fused)
        modules[source.target] = fused
        node.replace_all_uses_with(source)
        folded.graph.erase_node(node)
    folded.delete_all_unused_submodules()
    folded.recompile()
    return folded
