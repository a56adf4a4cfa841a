"""A result seen from above: the vehicle in the middle looks up, boxes around it."""

import math

from PIL import Image, ImageDraw

from .messages import Detections

COLOURS = {
    "car": "#3a7bd5",
    "truck": "#8e44ad",
    "bus": "#6c3483",
    "trailer": "#a569bd",
    "construction_vehicle": "#b9770e",
    "pedestrian": "#c0392b",
    "motorcycle": "#d35400",
    "bicycle": "#e67e22",
    "barrier": "#7f8c8d",
    "traffic_cone": "#f1c40f",
}


def corners(place, size):
    """The four corners of a box on the ground, the first two at its front."""
    along, across = size.y / 2, size.x / 2  # length, width
    cos, sin = math.cos(place.yaw), math.sin(place.yaw)
    for a, b in ((along, across), (along, -across), (-along, -across), (-along, across)):
        yield place.center.x + a * cos - b * sin, place.center.y + a * sin + b * cos


def draw(result: Detections, score=0.3, reach=50, pixels=800) -> Image.Image:
    """A picture of the boxes of at least that score within reach metres, with a line for
    the velocity in the next second. Places are those in the vehicle's frame: x ahead is
    up, y to the left is left."""
    picture = Image.new("RGB", (pixels, pixels), "white")
    pen, scale = ImageDraw.Draw(picture), pixels / (2 * reach)

    def at(x, y):
        return pixels / 2 - y * scale, pixels / 2 - x * scale

    for radius in range(10, int(reach) + 1, 10):
        pen.ellipse([at(radius, radius), at(-radius, -radius)], outline="#dddddd")
        pen.text(at(radius, 0), f"{radius} m", fill="#aaaaaa")
    pen.polygon([at(2, 0), at(-2, 1), at(-2, -1)], fill="black")
    for box in result.detections:
        if box.score < score:
            continue
        colour = COLOURS.get(box.class_name, "black")
        outline = [at(*corner) for corner in corners(box.ego, box.size)]
        pen.polygon(outline, outline=colour)
        pen.line(outline[:2], fill=colour, width=3)  # the front
        x, y = box.ego.center.x, box.ego.center.y
        pen.line([at(x, y), at(x + box.ego.velocity_x, y + box.ego.velocity_y)], fill=colour)
    words = f"{result.rig}  {result.time_us / 1e6:.3f} s"
    if result.cameras_missing:
        words += "  without " + ", ".join(result.cameras_missing)
    pen.text((8, 8), words, fill="black")
    return picture
