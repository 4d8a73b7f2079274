// Command gotlog asks Go's transparency log, golang.org/x/mod/sumdb/tlog, whether it agrees with an edition's map, and
// with the release log (log.go).
//
//	gotlog MIRROR HEAD INDEX...
//	gotlog log MIRROR KEY OLD INDEX...
//
// MIRROR is a folder, HEAD the name of an edition's head in it. For each shard INDEX the audit path is taken from the
// map's tiles, which are found by their names and not otherwise checked: whether they are the right ones is what
// tlog.CheckRecord says. Without an INDEX every shard is checked, and the log's own root over all of them is compared.
package main

import (
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"strconv"

	"golang.org/x/mod/sumdb/tlog"
)

// edition is what a head says of its map.
type edition struct {
	mirror string
	bits   int
	root   tlog.Hash
}

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "gotlog:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	if len(args) > 0 && args[0] == "log" {
		return runLog(args[1:])
	}
	if len(args) < 2 {
		return fmt.Errorf("usage: gotlog MIRROR HEAD INDEX...")
	}
	e, err := open(args[0], args[1])
	if err != nil {
		return err
	}
	if len(args) == 2 {
		return e.checkAll()
	}
	for _, arg := range args[2:] {
		index, err := strconv.ParseInt(arg, 10, 64)
		if err != nil {
			return err
		}
		if _, err := e.check(index); err != nil {
			return err
		}
	}
	return nil
}

func open(mirror, name string) (*edition, error) {
	head, err := os.ReadFile(filepath.Join(mirror, name))
	if err != nil {
		return nil, err
	}
	var release int64
	var time, root string
	e := &edition{mirror: mirror}
	lines := "edition/1\nrelease %d\ntime %s\nshards %d\nroot %s\n"
	if _, err := fmt.Sscanf(string(head), lines, &release, &time, &e.bits, &root); err != nil {
		return nil, fmt.Errorf("%s: %v", name, err)
	}
	raw, err := hex.DecodeString(root)
	if err != nil || len(raw) != tlog.HashSize {
		return nil, fmt.Errorf("%s: no root", name)
	}
	copy(e.root[:], raw)
	return e, nil
}

// checkAll checks every shard by its path, and the root by all of them.
func (e *edition) checkAll() error {
	var stored []tlog.Hash
	read := tlog.HashReaderFunc(func(indexes []int64) ([]tlog.Hash, error) {
		hashes := make([]tlog.Hash, len(indexes))
		for i, at := range indexes {
			hashes[i] = stored[at]
		}
		return hashes, nil
	})
	for index := int64(0); index < 1<<e.bits; index++ {
		shard, err := e.check(index)
		if err != nil {
			return err
		}
		more, err := tlog.StoredHashes(index, shard, read)
		if err != nil {
			return err
		}
		stored = append(stored, more...)
	}
	root, err := tlog.TreeHash(1<<e.bits, read)
	if err != nil {
		return err
	}
	if root != e.root {
		return fmt.Errorf("the root of all shards is %x, the head says %x", root[:], e.root[:])
	}
	fmt.Printf("%d shards under %x\n", 1<<e.bits, root[:])
	return nil
}

// check says whether shard index is in the tree under the head's root, and gives its bytes.
func (e *edition) check(index int64) ([]byte, error) {
	var proof tlog.RecordProof
	name := e.root
	for left := e.bits; left > 0; {
		width := (left-1)%4 + 1
		left -= width
		tile, err := e.object(name)
		if err != nil {
			return nil, err
		}
		if len(tile) != tlog.HashSize<<width {
			return nil, fmt.Errorf("tile %x has %d bytes", name[:], len(tile))
		}
		slot := int(index >> left & (1<<width - 1))
		var siblings []tlog.Hash
		name, siblings = climb(tile, slot)
		proof = append(siblings, proof...) // lowest first
	}
	shard, err := e.object(name)
	if err != nil {
		return nil, err
	}
	if err := tlog.CheckRecord(proof, 1<<e.bits, e.root, index, tlog.RecordHash(shard)); err != nil {
		return nil, fmt.Errorf("shard %d: %v", index, err)
	}
	return shard, nil
}

// climb gives the hash at slot of a tile, and those beside the way from it to the tile's top.
func climb(tile []byte, slot int) (tlog.Hash, []tlog.Hash) {
	row := make([]tlog.Hash, len(tile)/tlog.HashSize)
	for i := range row {
		copy(row[i][:], tile[i*tlog.HashSize:])
	}
	found := row[slot]
	var siblings []tlog.Hash
	for ; len(row) > 1; slot /= 2 {
		siblings = append(siblings, row[slot^1])
		above := make([]tlog.Hash, len(row)/2)
		for i := range above {
			above[i] = tlog.NodeHash(row[2*i], row[2*i+1])
		}
		row = above
	}
	return found, siblings
}

// object reads an object of the map by its name.
func (e *edition) object(name tlog.Hash) ([]byte, error) {
	text := hex.EncodeToString(name[:])
	return os.ReadFile(filepath.Join(e.mirror, "o", text[:2], text[2:]))
}
