package main

import (
	"os"

	"github.com/vbauerster/mpb/v8"
	"github.com/vbauerster/mpb/v8/decor"
)

// progressBar draws a bar if standard error is a terminal. progress may be called
// from several goroutines, but not after finish.
func progressBar(name, unit string) (progress func(done, total int), finish func()) {
	if info, err := os.Stderr.Stat(); err != nil || info.Mode()&os.ModeCharDevice == 0 {
		return func(int, int) {}, func() {}
	}
	bars := mpb.New(mpb.WithOutput(os.Stderr), mpb.WithWidth(60))
	bar := bars.AddBar(0,
		mpb.PrependDecorators(decor.Name(name+" "), decor.CountersNoUnit("%d/%d "+unit)),
		mpb.AppendDecorators(decor.AverageETA(decor.ET_STYLE_GO)),
	)
	return func(done, total int) {
			bar.SetTotal(int64(total), false)
			bar.SetCurrent(int64(done))
		}, func() {
			bar.SetTotal(-1, true)
			bars.Wait()
		}
}
