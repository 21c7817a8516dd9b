package rpc

import (
	"context"
	"io"
)

// way is how a request travels: the routing rules are the same for one that is a
// message as for one that a body follows. It keeps the reply.
type way interface {
	// handle runs the handler of this server.
	handle(ctx context.Context, op *Desc, req Message) error
	// send asks one server once.
	send(ctx context.Context, srv Server, op *Desc, req Message, h hop) (verdict, error)
	// spent reports whether no other attempt can be made, whatever the verdict.
	spent() bool
}

// call is the way of a request that is a message.
type call struct {
	r   *Router
	rep Message
}

func (c *call) handle(ctx context.Context, op *Desc, req Message) (err error) {
	c.rep, err = c.r.handle(ctx, op, req)
	return err
}

func (c *call) send(ctx context.Context, srv Server, op *Desc, req Message, h hop) (v verdict, err error) {
	c.rep, v, err = c.r.send(ctx, srv, op, req, h)
	return v, err
}

func (c *call) spent() bool { return false }

// carriage is the way of a transfer.
type carriage struct {
	r   *Router
	in  once
	rep Message
	out io.ReadCloser
}

func (c *carriage) handle(ctx context.Context, op *Desc, req Message) (err error) {
	c.rep, c.out, err = c.r.handleTransfer(ctx, op, req, &c.in)
	return err
}

func (c *carriage) send(ctx context.Context, srv Server, op *Desc, req Message, h hop) (v verdict, err error) {
	c.rep, c.out, v, err = c.r.sendTransfer(ctx, srv, op, req, &c.in, h)
	return v, err
}

// spent: a body is read once.
func (c *carriage) spent() bool { return c.in.begun }

var _, _ way = (*call)(nil), (*carriage)(nil)
