"""The methods that are tried on a graph in 8 bits (quant-spec, sections 3.3, 5, 7.3, 8).
Each takes the float32 graph, the one of 8 bits, and inputs of both."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
from onnx import NodeProto
from torch import Tensor

from .graph import Graph, Values, convolve, rounded, steps

Pairs = list[tuple[Values, Values]]  # inputs of the float32 graph, and the same for the other
Say = Callable[[str], None]


def output_of(layer) -> str:
    """The name of a layer's output in the float32 graph: the writer of pairs adds to it."""
    return layer.output[0].removesuffix("_made")


def compared(plain: Graph, eight: Graph) -> Iterator[tuple[NodeProto, Tensor, Tensor]]:
    """The layers in 8 bits whose channels lie as in the float32 graph, with their weights and biases
    there: some layers have them in another order, or read blocks of pixels."""
    layers = {output_of(n): n for n in plain.nodes if n.op_type == "Conv"}
    for layer in eight.layers():
        weight, bias = (plain.constants[i] for i in layers[output_of(layer)].input[1:])
        real = eight.real(layer.input[1])
        if real.shape == weight.shape and (real * weight).sum() > 0.5 * real.norm() * weight.norm():
            yield layer, weight, bias


@torch.no_grad()
def correct_biases(plain: Graph, eight: Graph, pairs: Pairs, say: Say) -> None:
    """b + E[y float32] - E[y 8 bits], layer by layer, inputs those of the corrected graph
    (Nagel and others, 2019). A shift of twice the bias and more is none of rounding."""
    wanted = [plain.run(x) for x, _ in pairs]
    for layer, _, bias in compared(plain, eight):
        name, stored, scale = eight.stored(layer.input[2])
        made = [eight.run(x, until=layer.output[0])[layer.output[0]] for _, x in pairs]
        wants = [w[output_of(layer)] for w in wanted]
        by = power_between(eight.real(layer.input[2]), bias)
        bias = stored * scale
        shift = by * mean(wants) - mean(made)
        kept = shift.abs() < 2 * bias.abs()
        shift = torch.where(kept, shift, 0)
        eight.store(name, (stored + torch.round(shift / scale)).to(torch.int32))
        say(f"{layer.name}: {float(shift.abs().mean() / bias.abs().mean()):.4f} of the bias")


def mean(values: list[Tensor]) -> Tensor:
    """Of each channel."""
    return torch.stack([v.mean((0, 2, 3)) for v in values]).mean(0)


@dataclass
class Rounding:
    """AdaRound's numbers; 1,000 steps of small crops in place of 20,000 of whole inputs."""

    steps: int = 1000
    rate: float = 1e-2
    crops: int = 4
    size: int = 32
    weight: float = 0.01
    warm_up: float = 0.2


def learn_rounding(plain: Graph, eight: Graph, pairs: Pairs, say: Say, factors: Tensor,
                   o: Rounding | None = None) -> None:
    """Rounds weights up or down so that a layer's output is nearest to the float32 one, its
    inputs those of the graph in 8 bits (AdaRound, with BRECQ's targets). factors are by how
    much the scales of the stack's channels differ, which the weights of its reader make up for."""
    o = o or Rounding()
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        wanted = [plain.run(x) for x, _ in pairs]
    for layer, weight, bias in compared(plain, eight):
        with torch.no_grad():
            inputs = [eight.run(x, until=layer.output[0])[layer.input[0]] for _, x in pairs]
        wants = [w[output_of(layer)] for w in wanted]
        if weight.shape[1] == len(factors):
            weight = weight * factors.view(1, -1, 1, 1)
        weight, by = equalised(eight, layer, weight, bias)
        before, after = round_layer(eight, layer, weight, inputs, [by * w for w in wants], generator, o)
        say(f"{layer.name}: error {before:.3e} -> {after:.3e}")


def equalised(eight: Graph, layer: NodeProto, weight: Tensor, bias: Tensor) -> tuple[Tensor, float]:
    """The weight with the powers of two by which the branches of a concatenation were brought to
    one range, of each input channel, and that of the layer's output."""
    inputs, real = (0, 2, 3), eight.real(layer.input[1])
    ratio = (real * weight).sum(inputs, keepdim=True) / (weight**2).sum(inputs, keepdim=True)
    return weight * nearest_power(ratio), power_between(eight.real(layer.input[2]), bias)


def power_between(made: Tensor, want: Tensor) -> float:
    """That by which a layer's bias is larger than in float32: a branch's of a concatenation."""
    return float(nearest_power((made * want).sum() / (want**2).sum()))


def nearest_power(ratio: Tensor) -> Tensor:
    return torch.exp2(torch.log2(ratio.clamp(min=1e-6)).round())


def round_layer(eight: Graph, layer, weight: Tensor, inputs: list[Tensor], wanted: list[Tensor],
                generator: torch.Generator, o: Rounding) -> tuple[float, float]:
    name, stored, scale = eight.stored(layer.input[1])
    _, bias, bias_scale = eight.stored(layer.input[2])
    per, bias = steps(weight, scale, 0), bias * bias_scale
    exact = weight / per
    assert (exact - stored).abs().max() <= 1, f"{layer.name}: other weights than the float32 graph's"
    down = exact.floor()
    alpha = open_gate((exact - down).clamp(0.01, 0.99)).requires_grad_()
    optimiser = torch.optim.Adam([alpha], o.rate)
    stride = inputs[0].shape[2] // wanted[0].shape[2]
    error = layer_error(layer, inputs, wanted, bias)
    before = error(stored * per)
    for step in range(o.steps):
        x, y = crops(inputs, wanted, stride, generator, o)
        gate = soft_gate(alpha)
        made = convolve(layer, x, (down + gate).clamp(-127, 127) * per, bias)
        inner = slice(2, -2)  # a crop's border has other neighbours
        loss = ((made - y)[..., inner, inner] ** 2).sum(1).mean()
        progress = step / o.steps
        if progress > o.warm_up:
            beta = 20 - 18 * (progress - o.warm_up) / (1 - o.warm_up)
            loss = loss + o.weight * (1 - (2 * gate - 1).abs() ** beta).sum() * y.pow(2).mean()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    learned = (down + (alpha >= 0)).clamp(-127, 127)
    after = error(learned * per)
    if after < before:
        eight.store(name, learned.detach().to(torch.int8))
    return before, min(before, after)


def soft_gate(alpha: Tensor) -> Tensor:
    return (torch.sigmoid(alpha) * 1.2 - 0.1).clamp(0, 1)


def open_gate(h: Tensor) -> Tensor:
    """The alpha of a soft gate."""
    return torch.logit((h + 0.1) / 1.2)


def layer_error(layer, inputs: list[Tensor], wanted: list[Tensor], bias: Tensor) -> Callable[[Tensor], float]:
    @torch.no_grad()
    def error(weight: Tensor) -> float:
        made = (convolve(layer, x, weight, bias) for x in inputs)
        return sum(relative(m, y) for m, y in zip(made, wanted, strict=True)) / len(inputs)
    return error


def relative(got: Tensor, want: Tensor) -> float:
    return float(((got - want) ** 2).sum() / (want**2).sum())


def crops(inputs: list[Tensor], wanted: list[Tensor], stride: int, generator: torch.Generator, o: Rounding
          ) -> tuple[Tensor, Tensor]:
    """Places of inputs and what is wanted there."""
    xs, ys = [], []
    for _ in range(o.crops):
        i = int(torch.randint(len(inputs), (), generator=generator))
        rows, columns = wanted[i].shape[2:]
        height, width = min(o.size // stride, rows), min(o.size // stride, columns)
        r = int(torch.randint(rows - height + 1, (), generator=generator))
        c = int(torch.randint(columns - width + 1, (), generator=generator))
        xs.append(inputs[i][:1, :, r * stride : (r + height) * stride, c * stride : (c + width) * stride])
        ys.append(wanted[i][:1, :, r : r + height, c : c + width])
    return torch.cat(xs), torch.cat(ys)


@torch.no_grad()
def try_noise(plain: Graph, inputs: list[Values], say: Say) -> None:
    """NoisyQuant on the 1x1 layers that read signed values, in 8 bits or not: a fixed noise for
    each input channel before rounding, taken out behind the layer. The amplitude has the least
    error of the layer's output on the first half of the inputs; told is the error on the others."""
    generator = torch.Generator().manual_seed(1)
    values = [plain.run(x) for x in inputs]
    half = len(inputs) // 2
    for layer in plain.nodes:
        xs = [v.get(layer.input[0], inputs[0].get(layer.input[0])) for v in values]
        weight = plain.constants.get(layer.input[1]) if layer.op_type == "Conv" else None
        if weight is None or weight.shape[2:] != (1, 1) or min(float(x.min()) for x in xs) >= 0:
            continue
        noisy = Noisy(layer, weight, torch.rand(xs[0].shape[1], generator=generator) * 2 - 1, xs[:half])
        best = min((a / 50 for a in range(100)), key=lambda a: noisy.error(a, xs[:half]))
        before, after = noisy.error(0, xs[half:]), noisy.error(best, xs[half:])
        more = 100 * (after / before - 1)
        say(f"{layer.name}: {best} steps of noise, error {before:.3e} -> {after:.3e}, {more:+.1f} %")


class Noisy:
    """A 1x1 layer that reads 8 bits with noise."""

    def __init__(self, layer, weight: Tensor, direction: Tensor, seen: list[Tensor]):
        low, high = min(float(x.min()) for x in seen), max(float(x.max()) for x in seen)
        self.layer, self.weight, self.direction = layer, weight, direction
        self.scale = torch.tensor((high - low) / 255)
        self.zero = torch.tensor(round(-low / float(self.scale)), dtype=torch.uint8)

    def error(self, amplitude: float, xs: list[Tensor]) -> float:
        noise = (amplitude * self.scale * self.direction).view(1, -1, 1, 1)
        of = (rounded(x + noise, self.scale, self.zero) - noise for x in xs)
        made, wanted = ([convolve(self.layer, x, self.weight) for x in some] for some in (of, xs))
        return sum(relative(m, w) for m, w in zip(made, wanted, strict=True)) / len(xs)


def costs(eight: Graph, inputs: Values) -> dict[str, float]:
    """The share of each layer of the multiplications."""
    values = eight.run(inputs)
    macs = {}
    for layer in eight.layers():
        _, stored, _ = eight.stored(layer.input[1])
        macs[layer.name] = stored[0].numel() * values[layer.output[0]].numel()
    return {name: n / sum(macs.values()) for name, n in macs.items()}


class Gated:
    """The graph in which layers are in float32 by a gate of 0 to 1, and else in 8 bits."""

    def __init__(self, plain: Graph, eight: Graph):
        self.eight, self.before, self.weights = eight, {}, {}
        for layer, weight, bias in compared(plain, eight):
            found = eight.before_rounding(layer.input[0])
            weight, by = equalised(eight, layer, weight, bias)
            # What reads the stack has the scales of its channels in its weights.
            same = torch.allclose(weight, eight.real(layer.input[1]), atol=float(weight.abs().max()) / 127)
            if found is not None and same:
                self.before[layer.name], self.weights[layer.name] = found, (weight, by * bias)

    def run(self, inputs: Values, gates: dict[str, Tensor]) -> Values:
        def layer(node, given: list[Tensor], values: Values) -> Tensor:
            made = convolve(node, *given)
            if node.name not in gates:
                return made
            source, zero = self.before[node.name]
            x = values[source].relu() if zero == 0 else values[source]  # the pair stands for a Relu
            return made + gates[node.name] * (convolve(node, x, *self.weights[node.name]) - made)

        return self.eight.run(inputs, layer=layer)

    @torch.no_grad()
    def error(self, pairs: Pairs, wanted: list[Values], names: set[str]) -> float:
        gates = {name: torch.ones(()) for name in names}
        made = (self.run(x, gates) for _, x in pairs)
        return sum(float(off(m, w)) for m, w in zip(made, wanted, strict=True)) / len(pairs)


def off(got: Values, want: Values) -> Tensor:
    """The mean over the outputs of what they are off."""
    return torch.stack([((got[o] - w) ** 2).sum() / (w**2).sum() for o, w in want.items()]).mean()


def select(plain: Graph, eight: Graph, pairs: Pairs, say: Say, budget: float, trials: int = 120,
           weight: float = 20.0) -> dict[str, tuple[float, set[str]]]:
    """Which layers a budget of float32, a share of the multiplications, is best spent on: by
    gates that harden while they are trained (CSQ's, of two ways in place of bits), and by the
    gain for the cost, one after the other, which is what the search of model quantize ranks by.
    Returned are the error and the layers of each."""
    gated, cost = Gated(plain, eight), costs(eight, pairs[0][1])
    read = [o for o in plain.outputs if o != "fused"]
    with torch.no_grad():
        wanted = [{o: values[o] for o in read} for values in (plain.run(x) for x, _ in pairs)]
    names = sorted(gated.before)
    whole = gated.error(pairs, wanted, set())
    gain = {n: whole - gated.error(pairs, wanted, {n}) for n in names}
    greedy = within(sorted(names, key=lambda n: -gain[n] / cost[n]), cost, budget)
    found = {"none": (whole, set()), "gain for cost": (gated.error(pairs, wanted, greedy), greedy)}
    share = torch.tensor([cost[n] for n in names])
    mask = torch.zeros(len(names), requires_grad=True)
    optimiser = torch.optim.Adam([mask], 0.05)
    for step in range(trials):
        soft = torch.sigmoid(200 ** (step / trials) * mask)
        x, want = pairs[step % len(pairs)][1], wanted[step % len(pairs)]
        spent = (share * soft).sum()
        error = off(gated.run(x, dict(zip(names, soft, strict=True))), want) / whole
        loss = error + weight * (spent.detach() - budget) * spent
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        if step % 20 == 0:
            so_far = f"{float(error.detach()):.3f} of the error, {float(spent.detach()):.3f} of the products"
            say(f"step {step}: {so_far}")
    order = [names[i] for i in mask.argsort(descending=True).tolist()]
    chosen = within(order, cost, budget)
    return found | {"gates": (gated.error(pairs, wanted, chosen), chosen)}


def within(order: list[str], cost: dict[str, float], budget: float) -> set[str]:
    """The first layers that fit into the budget."""
    chosen: set[str] = set()
    for name in order:
        if sum(cost[n] for n in chosen) + cost[name] <= budget:
            chosen.add(name)
    return chosen
