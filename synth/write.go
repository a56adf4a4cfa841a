package synth

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"image"
	"image/jpeg"
	"image/png"
	"math"
	"path/filepath"
	"sync/atomic"

	"golang.org/x/sync/errgroup"

	"github.com/solofusion/solofusion/geom"
	"github.com/solofusion/solofusion/nuscenes"
)

// Write renders the drives into dir, which it creates. It returns an error for a
// folder with files of other drives, and writes over those of the same options.
// Progress, if not nil, is called after each image, from several goroutines at
// once and so not always in order. The tables are written last: without them a
// folder is not complete.
func Write(ctx context.Context, dir string, o Options, progress func(done, total int)) error {
	if err := o.Validate(); err != nil {
		return err
	}
	o = o.withDefaults()
	if err := claim(dir, &o); err != nil {
		return err
	}
	t := newTables()
	var done atomic.Int64
	total := o.Drives * ((o.Frames-1)*int(o.Rate/keyRate) + 1) * len(mounts)
	painters := make(chan *painter, o.Jobs)
	for range o.Jobs {
		painters <- &painter{}
	}
	for n := range o.Drives {
		v := newDrive(&o, n)
		seen, err := v.render(ctx, dir, &o, painters, func() {
			if progress != nil {
				progress(int(done.Add(1)), total)
			}
		})
		if err != nil {
			return err
		}
		v.record(t, seen)
	}
	if err := t.writeMap(dir, o.Seed); err != nil {
		return err
	}
	return t.write(dir)
}

// render writes the drive's images and point clouds, and returns what each key
// frame shows.
func (v *drive) render(ctx context.Context, dir string, o *Options, painters chan *painter, tick func()) ([]sighting, error) {
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(o.Jobs)
	exposures := v.exposures()
	keys := make([][]sighting, v.frames)
	clouds := make([][][]geom.Vec3, v.frames)
	for f := range v.frames {
		keys[f] = make([]sighting, len(v.rig))
		clouds[f] = make([][]geom.Vec3, len(v.rig))
	}
	for _, e := range exposures {
		g.Go(func() error {
			if err := ctx.Err(); err != nil {
				return fmt.Errorf("synth: drive %s: %w", v.name, err)
			}
			p := <-painters
			defer func() { painters <- p }()
			s := v.expose(p, e)
			if e.sub == 0 {
				keys[e.frame][e.camera] = sighting{s.visible, s.covered}
				s.points(max(1, s.view.width/60), func(q geom.Vec3) {
					clouds[e.frame][e.camera] = append(clouds[e.frame][e.camera], q)
				})
			}
			tick()
			return v.store(dir, e, o, s)
		})
	}
	if err := g.Wait(); err != nil {
		return nil, err
	}
	seen := make([]sighting, v.frames)
	for f := range v.frames {
		seen[f] = together(keys[f])
		if err := v.storeCloud(dir, f, clouds[f]); err != nil {
			return nil, err
		}
	}
	return seen, nil
}

// expose renders one image.
func (v *drive) expose(p *painter, e exposure) shot {
	t := v.seconds(e)
	c := &v.rig[e.camera]
	noise := uint32(v.seed)*7919 + uint32(v.number)*104729 + uint32(v.timestamp(t))*31 + uint32(e.camera)
	return p.paint(v.world, c.view(v.world, t, v.window), t, c.gain, noise)
}

// store writes an image, and its depth if that is wanted.
func (v *drive) store(dir string, e exposure, o *Options, s shot) error {
	quality := 92
	if o.Window != nil {
		quality = 95
	}
	var b bytes.Buffer
	if err := jpeg.Encode(&b, s.rgba, &jpeg.Options{Quality: quality}); err != nil {
		return fmt.Errorf("synth: image %s: %w", v.imageFile(e), err)
	}
	if err := writeFile(filepath.Join(dir, v.imageFile(e)), b.Bytes()); err != nil || !o.Depth {
		return err
	}
	b.Reset()
	enc := png.Encoder{CompressionLevel: png.BestSpeed}
	if err := enc.Encode(&b, s.depthImage()); err != nil {
		return fmt.Errorf("synth: depth %s: %w", v.depthFile(e), err)
	}
	return writeFile(filepath.Join(dir, v.depthFile(e)), b.Bytes())
}

// together adds up what the cameras of a frame show.
func together(s []sighting) sighting {
	sum := sighting{make([]float64, len(s[0].visible)), make([]float64, len(s[0].covered))}
	for _, c := range s {
		for i := range c.visible {
			sum.visible[i] += c.visible[i]
			sum.covered[i] += c.covered[i]
		}
	}
	return sum
}

// storeCloud writes the surfaces that the cameras of a key frame saw as a
// lidar sweep: x, y, z, intensity and ring, each a little-endian float32.
func (v *drive) storeCloud(dir string, frame int, clouds [][]geom.Vec3) error {
	lidarFromWorld := v.egoPose(float64(frame) / keyRate).Mul(egoFromLidar.Pose()).Inv()
	var b []byte
	for _, cloud := range clouds {
		for _, q := range cloud {
			p := lidarFromWorld.Apply(q)
			elevation := math.Atan2(p[2], math.Hypot(p[0], p[1])) * 180 / math.Pi
			ring := math.Round(max(0, min(31, (elevation+30)*31/40)))
			for _, x := range []float64{p[0], p[1], p[2], 0, ring} {
				b = binary.LittleEndian.AppendUint32(b, math.Float32bits(float32(x)))
			}
		}
	}
	return writeFile(filepath.Join(dir, v.lidarFile(frame)), b)
}

func mapFile(seed uint64) string { return "maps/" + token("map", seed) + ".png" }

// writeMap adds the one map, whose mask is blank: streets differ from drive to
// drive.
func (t *tables) writeMap(dir string, seed uint64) error {
	row := nuscenes.MapRow{Category: "semantic_prior", Token: token("map", seed), Filename: mapFile(seed)}
	for _, l := range t.log {
		row.LogTokens = append(row.LogTokens, l.Token)
	}
	t.maps = append(t.maps, row)
	m := image.NewGray(image.Rect(0, 0, 64, 64))
	for i := range m.Pix {
		m.Pix[i] = 255
	}
	var b bytes.Buffer
	if err := png.Encode(&b, m); err != nil {
		return fmt.Errorf("synth: map: %w", err)
	}
	return writeFile(filepath.Join(dir, row.Filename), b.Bytes())
}
