// Package synth renders drives through made-up streets as data sets in nuScenes format.
package synth
