"""From the head's maps to boxes (model spec, section 7)."""

import math

import numpy as np
from solofusion.config import TASKS, Config

THRESHOLD, MOST, BEFORE, AFTER = 0.1, 500, 1000, 83
LIMIT = np.array([61.2, 61.2, 10.0])
RADIUS2 = {"barrier": 1.0}
"""Squared metres within which a centre suppresses others of its class."""
OVERLAP, SMALL_OVERLAP = 0.2, 0.5
"""Intersection over union above which a box suppresses others; of the small ones."""
FACTORS = {
    "car": 1.0, "truck": 0.7, "construction_vehicle": 0.7, "bus": 0.4, "trailer": 0.55,
    "motorcycle": 1.0, "bicycle": 1.0, "pedestrian": 4.5, "traffic_cone": 9.0,
}
"""By which a class's boxes are scaled before they are compared."""


def decode(cfg: Config, maps: dict[str, np.ndarray]) -> list[dict]:
    """maps are ``head_<task>_<branch>``, channels Y X. Boxes as in boxes.json: in the
    lidar frame, z the centre, task by task with falling scores."""
    boxes = []
    for t, classes in enumerate(TASKS):
        task = {b: maps[f"head_{t}_{b}"] for b in ("reg", "height", "dim", "rot", "vel", "heatmap")}
        boxes += suppress(classes, candidates(cfg, task, classes))
    return boxes


def candidates(cfg: Config, task: dict[str, np.ndarray], classes: tuple[str, ...]) -> list[dict]:
    """By falling score; of equal ones the earlier class and cell come first."""
    found = []
    for c in range(len(classes)):
        scores = (1 / (1 + np.exp(-task["heatmap"][c].astype(np.float64)))).astype(np.float32)
        order = np.argsort(-scores, axis=None, kind="stable")[:MOST]
        found += [(scores.flat[i], c, i) for i in order]
    found.sort(key=lambda f: (-f[0], f[1], f[2]))
    boxes = [box(cfg, task, classes[c], *divmod(int(i), cfg.cells[1]), s) for s, c, i in found[:MOST]]
    return [
        b for b in boxes if b["score"] > THRESHOLD and (np.abs(b["center"]) <= LIMIT).all()
    ]


def box(cfg: Config, task: dict[str, np.ndarray], name: str, row: int, column: int, score: float
        ) -> dict:
    at = {branch: task[branch][:, row, column].astype(np.float64) for branch in task}
    step = cfg.grid["x"][2]
    yaw = -math.atan2(*at["rot"]) - math.pi / 2
    return {
        "class": name, "score": float(score),
        "center": [
            (column + at["reg"][0]) * step + cfg.grid["x"][0],
            (row + at["reg"][1]) * step + cfg.grid["y"][0],
            at["height"][0],
        ],
        "size": np.exp(at["dim"]).tolist(),
        "yaw": yaw + 2 * math.pi if yaw <= -math.pi else yaw,
        "velocity": at["vel"].tolist(),
    }


def suppress(classes: tuple[str, ...], boxes: list[dict]) -> list[dict]:
    """Keeps a box unless a better one of its task that was kept covers it."""
    if classes[0] in RADIUS2:
        def covers(a: dict, b: dict) -> bool:
            return math.dist(a["center"][:2], b["center"][:2]) ** 2 <= RADIUS2[classes[0]]
    else:
        boxes = boxes[:BEFORE]
        limit = SMALL_OVERLAP if "pedestrian" in classes else OVERLAP

        def covers(a: dict, b: dict) -> bool:
            return overlap(corners(a, FACTORS[a["class"]]), corners(b, FACTORS[b["class"]])) > limit
    kept = []
    for b in boxes:
        if len(kept) < AFTER and not any(covers(a, b) for a in kept):
            kept.append(b)
    return kept


def corners(box: dict, factor: float) -> np.ndarray:
    """4 x 2, counter-clockwise."""
    w, length = box["size"][0] * factor, box["size"][1] * factor
    flat = np.array([[length, w], [-length, w], [-length, -w], [length, -w]]) / 2
    c, s = math.cos(box["yaw"]), math.sin(box["yaw"])
    return flat @ np.array([[c, s], [-s, c]]) + box["center"][:2]


def overlap(a: np.ndarray, b: np.ndarray) -> float:
    """Intersection over union of two convex polygons."""
    reach = np.linalg.norm(a[0] - a[2]) + np.linalg.norm(b[0] - b[2])
    if np.linalg.norm(a.mean(0) - b.mean(0)) > reach / 2:
        return 0.0
    shared = area(clip(a, b))
    return shared / (area(a) + area(b) - shared)


def area(polygon: np.ndarray) -> float:
    if len(polygon) < 3:
        return 0.0
    x, y = polygon.T
    return abs(np.dot(x, np.roll(y, -1)) - np.dot(y, np.roll(x, -1))) / 2


def clip(polygon: np.ndarray, window: np.ndarray) -> np.ndarray:
    """The part of a convex polygon inside another (Sutherland and Hodgman)."""
    for p, q in zip(window, np.roll(window, -1, 0), strict=True):
        edge = q - p
        side = [edge[0] * (r[1] - p[1]) - edge[1] * (r[0] - p[0]) for r in polygon]
        points = []
        for i, r in enumerate(polygon):
            j = i - 1
            if (side[i] >= 0) != (side[j] >= 0):
                share = side[j] / (side[j] - side[i])
                points.append(polygon[j] + share * (r - polygon[j]))
            if side[i] >= 0:
                points.append(r)
        polygon = np.array(points)
        if not len(polygon):
            break
    return polygon
