package main

import "github.com/solofusion/solofusion/nuscenes"

// amount is how much to write.
type amount struct {
	splits  []split
	sensors []sensor
	boxes   int // in each sample of the results; 0 for no results
}

// split is scenes whose samples and annotations do not depend on what else is
// written.
type split struct {
	scenes               []string // names
	samples, annotations int      // in all scenes
}

type sensor struct {
	channel, modality string
	sweeps            int // between key frames
}

func valAmount() amount {
	return amount{splits: []split{valSplit()}, sensors: []sensor{{nuscenes.LidarTop, "lidar", 0}}, boxes: 200}
}

func trainvalAmount() amount {
	val := valSplit()
	train := split{nuscenes.OfficialScenes("train"), 34_149 - val.samples, 1_166_187 - val.annotations}
	return amount{splits: []split{train, val}, sensors: sensors()}
}

func valSplit() split { return split{nuscenes.OfficialScenes("val"), 6_019, 133_000} }

// sensors are nuScenes' twelve, with about the sweeps that they have there.
func sensors() []sensor {
	return []sensor{
		{nuscenes.LidarTop, "lidar", 9},
		{"CAM_FRONT", "camera", 5}, {"CAM_FRONT_RIGHT", "camera", 5}, {"CAM_BACK_RIGHT", "camera", 5},
		{"CAM_BACK", "camera", 5}, {"CAM_BACK_LEFT", "camera", 5}, {"CAM_FRONT_LEFT", "camera", 5},
		{"RADAR_FRONT", "radar", 6}, {"RADAR_FRONT_LEFT", "radar", 6}, {"RADAR_FRONT_RIGHT", "radar", 6},
		{"RADAR_BACK_LEFT", "radar", 5}, {"RADAR_BACK_RIGHT", "radar", 5},
	}
}

// share returns part i of n of a total. Parts differ by one at most.
func share(total, i, n int) int { return total*(i+1)/n - total*i/n }
