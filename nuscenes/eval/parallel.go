package eval

import (
	"runtime"

	"github.com/solofusion/solofusion/internal/parallel"
)

// inParallel calls part(0) to part(n-1) on all processors.
func inParallel(n int, part func(i int)) {
	pool := parallel.New(runtime.GOMAXPROCS(0))
	defer pool.Close()
	pool.Run(n, part)
}
