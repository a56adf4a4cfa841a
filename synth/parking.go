package synth

import "math"

// park fills the parking lane of one side of a road, in the order of a
// shuffled deck that starts anew when it is used up, so that every stretch
// holds about the same.
func (c *crowd) park(i int, side float64) {
	r := &c.roads[i]
	var deck []func(r *road, s, side float64) float64
	for s := c.between(0, 10); s < r.axis.length(); {
		if len(deck) == 0 {
			deck = c.deck()
		}
		if !r.clear(s+8, 9.5) {
			s += 2
			continue
		}
		s += deck[0](r, s, side)
		deck = deck[1:]
	}
}

// deck is about a hundred metres of parking lane; each card fills some and
// returns how much.
func (c *crowd) deck() []func(r *road, s, side float64) float64 {
	cars := c.lot(aCar, 5.9)
	cards := []func(r *road, s, side float64) float64{
		cars, cars, cars, cars, cars, cars,
		c.lot(aTruck, 8.6), c.lot(aBus, 13.6), c.lot(aTrailer, 14.6),
		c.cycles, c.site, c.site, c.fence, c.fence,
	}
	if c.chance(0.4) {
		cards = append(cards, c.gap)
	}
	c.Shuffle(len(cards), func(i, j int) { cards[i], cards[j] = cards[j], cards[i] })
	return cards
}

func (c *crowd) gap(*road, float64, float64) float64 { return c.between(2, 8) }

// along is the turn of what stands in the direction of its side's traffic.
func along(side float64) float64 {
	if side > 0 {
		return math.Pi
	}
	return 0
}

// lot parks one vehicle in a slot of that length.
func (c *crowd) lot(of kind, length float64) func(r *road, s, side float64) float64 {
	return func(r *road, s, side float64) float64 {
		n := length * c.between(1, 1.1)
		turn := along(side) + c.between(-0.03, 0.03)
		if c.chance(0.08) {
			turn += math.Pi
		}
		c.still(r, of, s+n/2, side*(r.parking()+c.between(-0.02, 0.1)), turn)
		return n
	}
}

// cycles is a rack of bicycles and motorcycles.
func (c *crowd) cycles(r *road, s, side float64) float64 {
	n := c.between(2, 3.6)
	k := c.between(0.5, 1.1)
	for x := 0.5; x < n; x += c.between(1.1, 1.8) {
		of := aBicycle(false)
		if c.chance(0.5) {
			of = aMotorcycle(false)
		}
		c.still(r, of, s+x, side*(r.parking()+0.2), k*math.Pi/2+c.between(-0.15, 0.15))
	}
	return n + 0.8
}

// site is a work zone: cones taper in, barriers shield a machine and workers.
func (c *crowd) site(r *road, s, side float64) float64 {
	n := c.between(12, 17)
	inner := r.half() - parkingWidth
	style := c.IntN(3)
	for x := 0.5; x < 3.5; x += c.between(1, 1.5) {
		c.still(r, aCone, s+x, side*(r.half()-0.4-(x/3.5)*(parkingWidth-0.7)), c.between(0, 1.5))
	}
	for x := 4.6; x < n-1; x += 2.6 {
		c.still(r, aBarrier(style), s+x, side*(inner+0.1), math.Pi/2+c.between(-0.04, 0.04))
	}
	if c.chance(0.5) {
		c.still(r, aBarrier(style), s+n-0.5, side*(r.half()-1.5), c.between(-0.05, 0.05))
	} else {
		for x := 0.0; x < 2.4; x += 1.1 {
			c.still(r, aCone, s+n-0.3, side*(r.half()-0.4-x), 0)
		}
	}
	c.still(r, aDigger, s+n/2+1.2, side*(r.half()-1.52), along(side)+c.between(-0.03, 0.03)+math.Pi*float64(c.IntN(2)))
	for range 1 + c.IntN(2) {
		c.still(r, aPerson(false, true), s+c.between(3.5, n), side*(r.half()+c.between(-2.6, 0.4)), c.between(-math.Pi, math.Pi))
	}
	return n + 1
}

// fence is a row of barriers, or of cones, beside the cycle lane or askew.
func (c *crowd) fence(r *road, s, side float64) float64 {
	n := c.between(5, 10)
	style := c.IntN(3)
	d := r.half() - c.between(0.6, parkingWidth-0.3)
	if c.chance(0.4) {
		for x := 0.5; x < n; x += c.between(1.4, 2.2) {
			c.still(r, aCone, s+x, side*(d+c.between(-0.1, 0.1)), c.between(0, 1.5))
		}
		return n + 0.5
	}
	for x := 1.2; x < n; x += 2.6 {
		c.still(r, aBarrier(style), s+x, side*(d+c.between(-0.1, 0.1)), math.Pi/2+c.between(-0.1, 0.1))
	}
	return n + 0.5
}
