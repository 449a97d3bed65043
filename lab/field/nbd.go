package field

import (
	"bufio"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"testing"
)

// The words of the network block device protocol, as much of it as QEMU speaks with a
// server that can read, write and flush (NBD project, doc/proto.md: "Fixed newstyle
// negotiation", "Transmission phase").
const (
	nbdGreeting   = 0x4e42444d41474943 // "NBDMAGIC"
	nbdOption     = 0x49484156454f5054 // "IHAVEOPT"
	nbdReply      = 0x3e889045565a9
	nbdRequest    = 0x25609513
	nbdAnswer     = 0x67446698
	nbdGo         = 7 // option
	nbdAck        = 1
	nbdInfo       = 3
	nbdNo         = 1<<31 + 1 // this option is not supported
	nbdCanFlush   = 1 + 4     // flags of the export: flags are there, flush is understood
	nbdInvalid    = 22        // EINVAL
	maxNBDRequest = 32 << 20
)

func (d *Disk) listen(t testing.TB, socket string) {
	t.Helper()
	l, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			d.served.Go(func() { defer c.Close(); _ = d.serve(c) }) // the guest's end shows in the guest
		}
	}()
	t.Cleanup(func() { _ = l.Close(); <-ended; d.served.Wait() })
}

// serve speaks with one QEMU until that ends.
func (d *Disk) serve(c net.Conn) error {
	in := bufio.NewReaderSize(c, 1<<20)
	if err := d.negotiate(in, c); err != nil {
		return err
	}
	for {
		var head [28]byte
		if _, err := io.ReadFull(in, head[:]); err != nil {
			return err
		}
		kind, offset, length := binary.BigEndian.Uint16(head[6:]), binary.BigEndian.Uint64(head[16:]), binary.BigEndian.Uint32(head[24:])
		if binary.BigEndian.Uint32(head[:]) != nbdRequest || length > maxNBDRequest {
			return errors.New("no request")
		}
		answer := binary.BigEndian.AppendUint32(nil, nbdAnswer)
		answer = binary.BigEndian.AppendUint32(answer, 0)
		answer = append(answer, head[8:16]...) // the handle
		data := make([]byte, length)
		switch {
		case kind == 0 && d.within(offset, len(data)):
			d.read(offset, data)
			answer = append(answer, data...)
		case kind == 1:
			if _, err := io.ReadFull(in, data); err != nil {
				return err
			}
			if !d.within(offset, len(data)) {
				return errors.New("write beyond the end")
			}
			d.write(offset, data)
		case kind == 2:
			return nil
		case kind == 3:
			d.flush()
		default:
			binary.BigEndian.PutUint32(answer[4:], nbdInvalid)
		}
		if _, err := c.Write(answer); err != nil {
			return err
		}
	}
}

// negotiate answers options until the client wants to go on.
func (d *Disk) negotiate(in io.Reader, out io.Writer) error {
	hello := binary.BigEndian.AppendUint64(nil, nbdGreeting)
	hello = binary.BigEndian.AppendUint64(hello, nbdOption)
	if _, err := out.Write(append(hello, 0, 3)); err != nil { // fixed newstyle, no padding
		return err
	}
	var flags [4]byte
	if _, err := io.ReadFull(in, flags[:]); err != nil {
		return err
	}
	for {
		var head [16]byte
		if _, err := io.ReadFull(in, head[:]); err != nil {
			return err
		}
		option := binary.BigEndian.Uint32(head[8:])
		if _, err := io.CopyN(io.Discard, in, int64(binary.BigEndian.Uint32(head[12:]))); err != nil {
			return err
		}
		if option != nbdGo {
			if err := answerOption(out, option, nbdNo, nil); err != nil {
				return err
			}
			continue
		}
		export := binary.BigEndian.AppendUint16(nil, 0) // the export's size and flags
		export = binary.BigEndian.AppendUint64(export, uint64(len(d.now)))
		export = binary.BigEndian.AppendUint16(export, nbdCanFlush)
		return errors.Join(answerOption(out, option, nbdInfo, export), answerOption(out, option, nbdAck, nil))
	}
}

func answerOption(out io.Writer, option, kind uint32, data []byte) error {
	b := binary.BigEndian.AppendUint64(nil, nbdReply)
	b = binary.BigEndian.AppendUint32(b, option)
	b = binary.BigEndian.AppendUint32(b, kind)
	b = binary.BigEndian.AppendUint32(b, uint32(len(data)))
	_, err := out.Write(append(b, data...))
	return err
}
