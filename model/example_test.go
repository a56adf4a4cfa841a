package model_test

import (
	"fmt"
	"log"

	"github.com/solofusion/solofusion/model"
)

func ExampleOpen() {
	bundle, err := model.Open(model.DefaultName) // or a bundle's folder
	if err != nil {
		log.Fatal(err)
	}
	m := bundle.Manifest
	fmt.Printf("%s: %d cameras at %d x %d pixels\n", m.Name, len(m.Cameras), m.Image.Width, m.Image.Height)
	fmt.Printf("stereo %v, %d earlier frames of %g s, %s\n", m.HasStereo(), m.History.Frames, m.History.Period, m.History.Mode)
	for _, task := range m.Head.Tasks {
		fmt.Println(task.Classes)
	}
	// Output:
	// small: 6 cameras at 352 x 128 pixels
	// stereo true, 8 earlier frames of 0.5 s, direct
	// [car]
	// [truck construction_vehicle]
	// [bus trailer]
	// [barrier]
	// [motorcycle bicycle]
	// [pedestrian traffic_cone]
}
