// Package parallel runs the numbered parts of a stage on a fixed number of
// goroutines.
//
//	pool := parallel.New(2)
//	defer pool.Close()
//	pool.Run(rows, stage.row) // calls stage.row(0) … stage.row(rows-1)
//
// Which goroutine takes a part is left to chance, so a part must write only
// what is its own; results are then the same for any number of goroutines. Run
// does not allocate, given a function that is kept (a method value made once).
package parallel

import (
	"sync"
	"sync/atomic"
)

// Pool is a set of waiting goroutines. A nil Pool runs everything on the
// caller's.
type Pool struct {
	busy    sync.Mutex // one Run at a time
	workers int        // beside the caller
	wake    chan struct{}
	done    sync.WaitGroup
	next    atomic.Int64
	n       int
	part    func(i int)
}

// New returns a pool of that many goroutines, the caller of Run included.
func New(goroutines int) *Pool {
	p := &Pool{workers: max(0, goroutines-1)}
	p.wake = make(chan struct{}, p.workers)
	for range p.workers {
		go p.work()
	}
	return p
}

// Close ends the pool's goroutines. No Run may be under way or follow.
func (p *Pool) Close() {
	if p != nil {
		close(p.wake)
	}
}

// Run calls part(i) for each i in [0, n) and returns when all are done.
func (p *Pool) Run(n int, part func(i int)) {
	if p == nil || p.workers == 0 || n < 2 {
		for i := range n {
			part(i)
		}
		return
	}
	p.busy.Lock()
	defer p.busy.Unlock()
	p.n, p.part = n, part
	p.next.Store(0)
	p.done.Add(p.workers)
	for range p.workers {
		p.wake <- struct{}{}
	}
	p.drain()
	p.done.Wait()
}

func (p *Pool) work() {
	for range p.wake {
		p.drain()
		p.done.Done()
	}
}

func (p *Pool) drain() {
	for {
		i := int(p.next.Add(1)) - 1
		if i >= p.n {
			return
		}
		p.part(i)
	}
}
