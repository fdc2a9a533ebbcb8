"""COCO Camera Traps records of the generated frames."""

from dataclasses import dataclass
from typing import Any

from classification.data.sample.frames import Frame
from classification.data.sample.options import SampleOptions
from classification.data.sample.scenes import Scene
from classification.data.sample.schedule import Sequence
from classification.data.sample.species import SPECIES

EMPTY = 0
CATEGORY_IDS = {"empty": EMPTY} | {name: number for number, name in enumerate(SPECIES, start=1)}
Record = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Records:
    """The image and annotation records of one location."""

    images: list[Record]
    annotations: list[Record]

    def add(self, scene: Scene, sequence: Sequence, number: int, frame: Frame) -> Record:
        """Record frame `number` of a burst; return the image record."""
        image = image_record(scene, sequence, number)
        self.images.append(image)
        self.annotations.extend(annotation_records(image["id"], frame))
        return image


def image_record(scene: Scene, sequence: Sequence, number: int) -> Record:
    """Frame `number` (from 0) of a burst; width and height are those of the upright picture."""
    seq_id = f"{scene.name}_{sequence.index:04d}"
    image_id = f"{seq_id}_{number}"
    return {
        "id": image_id,
        "file_name": f"{scene.name}/{image_id}.jpg",
        "width": scene.camera.width,
        "height": scene.camera.height,
        "datetime": sequence.time(number).strftime("%Y-%m-%d %H:%M:%S"),
        "seq_id": seq_id,
        "seq_num_frames": sequence.frames,
        "frame_num": number,
        "location": scene.name,
    }


def annotation_records(image_id: str, frame: Frame) -> list[Record]:
    """One record per animal in view, or one of category ``empty`` without a box."""
    if not frame.boxes:
        return [{"id": f"{image_id}_0", "image_id": image_id, "category_id": EMPTY}]
    return [
        {
            "id": f"{image_id}_{number}",
            "image_id": image_id,
            "category_id": CATEGORY_IDS[name],
            "bbox": box,
        }
        for number, (name, box) in enumerate(frame.boxes)
    ]


def coco_camera_traps(options: SampleOptions, locations: list[Records]) -> Record:
    """The whole COCO Camera Traps file."""
    return {
        "info": {
            "version": "1.0",
            "description": "Generated camera-trap pictures (drawn, not photographed)",
            "contributor": "Fieldmark sample generator",
            "year": 2023,
            "options": options.identity(),
        },
        "images": [image for records in locations for image in records.images],
        "annotations": [one for records in locations for one in records.annotations],
        "categories": [{"id": number, "name": name} for name, number in CATEGORY_IDS.items()],
    }
