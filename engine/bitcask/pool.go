package bitcask

import "github.com/rldb/rldb/engine"

// job is a transaction or a scan that may wait for the disk.
type job struct {
	txn  *engine.Txn
	scan *engine.Scan
}

// Start hands t to the pool.
func (e *Engine) Start(t *engine.Txn) {
	err := e.check()
	if err == nil {
		queue := e.reads
		if t.Mode != engine.Read {
			queue = e.writes
		}
		if enqueue(queue, job{txn: t}) {
			return
		}
		err = ErrBusy
	}
	t.Prepare()
	t.Err = err
	t.Step.Done(t)
}

// StartScan hands sc to the pool.
func (e *Engine) StartScan(sc *engine.Scan) {
	if sc.Err = e.check(); sc.Err == nil {
		if enqueue(e.reads, job{scan: sc}) {
			return
		}
		sc.Err = ErrBusy
	}
	sc.Done(sc)
}

func enqueue(queue chan job, j job) bool {
	select {
	case queue <- j:
		return true
	default:
		return false
	}
}

// serve is a goroutine of the pool. Writes, which may have to wait for room, have
// goroutines of their own, so that reads go on.
func (e *Engine) serve(queue chan job) {
	for {
		select {
		case j := <-queue:
			if j.txn != nil {
				e.txn(j.txn)
			} else {
				e.scan(j.scan)
			}
		case <-e.quit:
			return
		}
	}
}

// txn carries a transaction out, waiting for whatever it needs.
func (e *Engine) txn(t *engine.Txn) {
	for {
		over, ready := e.admit(t)
		if over {
			break
		}
		if !ready {
			if t.Err = e.room(); t.Err != nil {
				break
			}
			continue
		}
		o := e.newOp(t)
		o.patient = true
		o.run()
		if o.lent {
			e.wal.repay(o.entries)
		}
		e.freeOp(o)
		break
	}
	if t.Mode != engine.Read && e.ledger.pending.Load() >= e.opts.TailBytes {
		_ = e.wal.flush() // or else a connection loop would have to write it all
	}
	t.Step.Done(t)
}

func (e *Engine) scan(sc *engine.Scan) {
	if sc.Err = e.check(); sc.Err == nil {
		if !e.TryScan(sc) {
			p := pager{e: e, sc: sc}
			p.run()
		}
	}
	sc.Done(sc)
}

// room waits until there is room to append: in the tail, and in what the disk
// may hold.
func (e *Engine) room() error {
	if err := e.wal.refusal(); err != nil {
		return err
	}
	e.keeper.wait()
	if e.wal.unsettled.Load() >= maxUnsettled {
		return e.wal.sync()
	}
	if e.ledger.pending.Load() < e.opts.TailBytes {
		return nil
	}
	return e.wal.flush()
}
