package main

import (
	"fmt"
	"path/filepath"
	"strings"
)

// converters are the data sets by the names that scripts know.
//
// Sources: Lyft Level 5's devkit and the Supervisely page "LYFT Format";
// TUMFTM/truckscenes-devkit, docs/schema_truckscenes.md;
// tier4/tier4_perception_dataset, docs/t4_format_3d_detailed.md; the
// object and raw data of KITTI; MarcusMalak/Horus and CARLA's documentation.
func converters() map[string]converter {
	return map[string]converter{
		"lyft": lyft(), "truckscenes": truckScenes(), "t4": t4(), "kitti": kitti(), "carla": carla(),
	}
}

// lyft: tables in a folder of the set's own name, images all in one folder, one
// zoomed camera of another size, three lidars, five samples a second with fractions
// of microseconds, points -1, no visibilities, logs without names, short
// category names.
func lyft() converter {
	const wide, high, focal = 1224, 1024, 882
	return converter{
		version: "v1.01-train", scene: "host-a004-lidar0-1233080749298771736-1233080774198118416",
		start: 1557858039302414, step: 200_000, samples: 3, metres: 1, origin: [3]float64{2680, 698, -18.7},
		car: "car", person: "pedestrian", carAs: "object_action_driving_straight_forward",
		image: "images/host-a004_%s_%d.jpeg",
		sensors: []sensor{
			{channel: "LIDAR_TOP", x: 1.2, z: 1.8}, {channel: "LIDAR_FRONT_LEFT", x: 1.3, y: 1, z: 0.7}, {channel: "LIDAR_FRONT_RIGHT", x: 1.3, y: -1, z: 0.7},
			{"CAM_FRONT", 1.5, 0, 1.6, 0, wide, high, focal}, {"CAM_FRONT_LEFT", 1.4, 0.3, 1.6, 60, wide, high, focal},
			{"CAM_FRONT_RIGHT", 1.4, -0.3, 1.6, -60, wide, high, focal}, {"CAM_BACK_LEFT", 1, 0.3, 1.6, 120, wide, high, focal},
			{"CAM_BACK_RIGHT", 1, -0.3, 1.6, -120, wide, high, focal}, {"CAM_BACK", 0.9, 0, 1.6, 180, wide, high, focal},
			{"CAM_FRONT_ZOOMED", 1.5, 0, 1.5, 0, 2048, 864, 3400},
		},
		alter: func(t tables) {
			for _, table := range []string{"sample", "ego_pose", "sample_data"} {
				for _, r := range t[table] {
					r["timestamp"] = float64(r["timestamp"].(int64)) + 0.75
				}
			}
			for _, r := range t["sample_data"] {
				if r["width"] == 0 {
					delete(r, "width")
					delete(r, "height")
				}
			}
			t.set("sample_annotation", "num_lidar_pts", -1)
			t.set("sample_annotation", "visibility_token", "")
			t.set("log", "logfile", "")
			t.set("visibility", "level", "unknown")
		},
	}
}

// truckScenes: other channels, no LIDAR_TOP, images of 1980 x 943, poses in UTM, no
// logs nor maps, tables of motion, levels of visibility as numbers, categories of
// its own, and a version and splits with nuScenes' names.
func truckScenes() converter {
	const wide, high, focal = 1980, 943, 1000
	return converter{
		version: "v1.0-mini", scene: "scene-0044384af3d8494e913fb8b14915239e-11",
		start: 1695473372600000, step: 500_000, samples: 3, metres: 2.5, origin: [3]float64{688812.2, 5336311.4, 0},
		car: "vehicle.car", person: "static_object.traffic_sign", carAs: "vehicle.moving",
		image: "samples/%[1]s/%[1]s_%[2]d.jpg",
		sensors: []sensor{
			{channel: "LIDAR_LEFT", x: 4.9, y: 1.4, z: 2, yaw: 45}, {channel: "LIDAR_TOP_FRONT", x: 5.2, z: 3.1}, {channel: "RADAR_LEFT_FRONT", x: 5.4, y: 1, z: 0.7},
			{"CAMERA_LEFT_FRONT", 5.3, 1, 2.6, 20, wide, high, focal}, {"CAMERA_RIGHT_FRONT", 5.3, -1, 2.6, -20, wide, high, focal},
			{"CAMERA_LEFT_BACK", 5, 1.3, 2.4, 140, wide, high, focal}, {"CAMERA_RIGHT_BACK", 5, -1.3, 2.4, -140, wide, high, focal},
		},
		alter: func(t tables) {
			delete(t, "log")
			delete(t, "map")
			t.set("scene", "log_token", "")
			t.set("scene", "description", "weather.rain;area.highway;daytime.noon")
			t.set("visibility", "level", 4)
			t.add("ego_motion_chassis", row{"token": "m", "timestamp": 1695473372600000, "vx": 5.0})
			t.add("ego_motion_cabin", row{"token": "m", "timestamp": 1695473372600000, "vx": 5.0})
		},
	}
}

// t4: tables in the folder annotation, images in data/CHANNEL, a lidar at the ego
// frame, cameras of traffic lights, logs with tokens alone, an empty table of maps,
// short category names, lens distortion and rows that are marked as not valid.
func t4() converter {
	const wide, high, focal = 1440, 930, 970
	return converter{
		version: "annotation", scene: "project_0b6f3d1c", start: 1624164470899887, step: 100_000, samples: 3, metres: 0.5,
		origin: [3]float64{89571.1, 42301.2, -5.5}, car: "car", person: "construction_worker", carAs: "vehicle_state.driving",
		image: "data/%s/%d.png",
		sensors: []sensor{
			{channel: "LIDAR_CONCAT"},
			{"CAM_FRONT", 1.6, 0, 1.8, 0, wide, high, focal}, {"CAM_FRONT_LEFT", 1.5, 0.5, 1.8, 55, wide, high, focal},
			{"CAM_FRONT_RIGHT", 1.5, -0.5, 1.8, -55, wide, high, focal}, {"CAM_BACK_LEFT", 0.5, 0.5, 1.8, 125, wide, high, focal},
			{"CAM_BACK_RIGHT", 0.5, -0.5, 1.8, -125, wide, high, focal}, {"CAM_BACK", 0, 0, 1.8, 180, wide, high, focal},
			{"CAM_TRAFFIC_LIGHT_NEAR", 1.6, 0.1, 1.8, 0, wide, high, 2400},
		},
		alter: func(t tables) {
			t["map"] = []row{}
			for _, field := range []string{"logfile", "vehicle", "date_captured", "location"} {
				delete(t["log"][0], field)
			}
			t.set("ego_pose", "twist", nil)
			t.set("sample_annotation", "automatic_annotation", false)
			t.set("sample_data", "is_valid", true)
			t.set("category", "index", nil)
			t.set("calibrated_sensor", "camera_distortion", []float64{})
			for _, r := range t["calibrated_sensor"] {
				if r["token"] == "CAM_FRONT" {
					r["camera_distortion"] = []float64{-0.31, 0.09, 0, 0, 0}
				}
			}
			for _, r := range t["sample_data"] {
				if r["token"] == "CAM_BACK-2" {
					r["is_valid"] = false
				}
			}
		},
	}
}

// kitti: two cameras that look ahead, ten samples a second, the lidar as ego frame
// 1.73 m above the ground, no logs nor maps, null for what KITTI has not.
func kitti() converter {
	return converter{
		version: "v1.0-trainval", scene: "2011_09_26_drive_0005_sync", start: 1317042700000000, step: 100_000, samples: 4, metres: 0.5,
		car: "vehicle.car", person: "human.pedestrian.adult", carAs: "", image: "samples/%s/%06d.png",
		sensors: []sensor{
			{channel: "LIDAR_TOP"},
			{"CAM_FRONT", 0.27, 0, -0.08, 0, 1242, 375, 721.5}, {"CAM_FRONT_RIGHT", 0.27, -0.54, -0.08, 0, 1242, 375, 721.5},
		},
		alter: func(t tables) {
			for _, table := range []string{"log", "map", "visibility", "attribute"} {
				delete(t, table)
			}
			t.set("scene", "log_token", "")
			t.set("sample_annotation", "visibility_token", nil)
			t.set("sample_annotation", "attribute_tokens", []string{})
			for _, r := range t["sample_annotation"] {
				z := r["translation"].([]float64)
				r["translation"] = []float64{z[0], z[1], z[2] - 1.73}
			}
		},
	}
}

// carla: times that count the simulator's ticks, next tokens that lead to no row, a
// scene with a folder's name, Windows separators, the ego frame at the middle of the
// vehicle, and cameras of 800 x 600 with a view of 90 degrees.
func carla() converter {
	const wide, high, focal = 800, 600, 400
	return converter{
		version: "horus-train", scene: "Town03/run 7", start: 0, step: 10, samples: 3, metres: 2.5,
		car: "vehicle.car", person: "human.pedestrian.adult", carAs: "vehicle.moving", image: "samples/%s/%d.jpg",
		sensors: []sensor{
			{channel: "LIDAR_TOP", z: 2.4, yaw: -90},
			{"CAM_FRONT", 0.8, 0, 1.6, 0, wide, high, focal}, {"CAM_FRONT_LEFT", 0.8, 0.4, 1.6, 60, wide, high, focal},
			{"CAM_FRONT_RIGHT", 0.8, -0.4, 1.6, -60, wide, high, focal}, {"CAM_BACK", -1, 0, 1.6, 180, wide, high, focal},
		},
		alter: func(t tables) {
			for _, table := range []string{"sample_data", "sample_annotation"} {
				for _, r := range t[table] {
					if r["next"] == "" {
						r["next"] = fmt.Sprint(r["token"], "-next")
					}
				}
			}
			for _, r := range t["sample_data"] {
				r["filename"] = strings.ReplaceAll(filepath.ToSlash(r["filename"].(string)), "/", `\`)
			}
		},
	}
}
