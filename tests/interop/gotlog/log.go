package main

import (
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

const (
	height = 8   // levels of the tree in one tile
	most   = 256 // entries of a bundle
)

// releases is the release log of a mirror, as far as its files lie in a folder.
type releases struct {
	mirror   string
	verifier note.Verifier
	tree     tlog.Tree
}

// runLog asks note and tlog what they make of a release log:
//
//	gotlog log MIRROR KEY OLD INDEX...
//
// KEY is the log's key as notes hand it around, OLD the file of an earlier checkpoint, "" for none. The checkpoint is
// opened, each entry INDEX is looked up in its bundle and proven, and OLD is proven to be a beginning.
func runLog(args []string) error {
	if len(args) < 3 {
		return fmt.Errorf("usage: gotlog log MIRROR KEY OLD INDEX...")
	}
	verifier, err := note.NewVerifier(args[1])
	if err != nil {
		return err
	}
	log := &releases{mirror: args[0], verifier: verifier}
	if log.tree, err = log.open(filepath.Join(log.mirror, "log", "checkpoint")); err != nil {
		return err
	}
	fmt.Printf("%d entries under %x\n", log.tree.N, log.tree.Hash[:])
	hashes := tlog.TileHashReader(log.tree, log)
	for _, arg := range args[3:] {
		index, err := strconv.ParseInt(arg, 10, 64)
		if err != nil {
			return err
		}
		if err := log.checkEntry(index, hashes); err != nil {
			return fmt.Errorf("entry %d: %v", index, err)
		}
	}
	if args[2] == "" {
		return nil
	}
	old, err := log.open(args[2])
	if err != nil {
		return err
	}
	proof, err := tlog.ProveTree(log.tree.N, old.N, hashes)
	if err != nil {
		return err
	}
	if err := tlog.CheckTree(proof, log.tree.N, log.tree.Hash, old.N, old.Hash); err != nil {
		return err
	}
	show("begins", old.N, proof)
	return nil
}

// open reads a checkpoint and believes its signature only.
func (r *releases) open(path string) (tlog.Tree, error) {
	var tree tlog.Tree
	data, err := os.ReadFile(path)
	if err != nil {
		return tree, err
	}
	opened, err := note.Open(data, note.VerifierList(r.verifier))
	if err != nil {
		return tree, err
	}
	lines := strings.Split(opened.Text, "\n")
	if len(lines) < 4 || lines[0] != r.verifier.Name() {
		return tree, fmt.Errorf("no checkpoint of %s", r.verifier.Name())
	}
	if tree.N, err = strconv.ParseInt(lines[1], 10, 64); err != nil {
		return tree, err
	}
	root, err := base64.StdEncoding.DecodeString(lines[2])
	if err != nil || len(root) != tlog.HashSize {
		return tree, fmt.Errorf("no root")
	}
	copy(tree.Hash[:], root)
	return tree, nil
}

// checkEntry proves the entry that lies in its bundle.
func (r *releases) checkEntry(index int64, hashes tlog.HashReader) error {
	width := r.tree.N - index/most*most
	if width > most {
		width = most
	}
	tile := tlog.Tile{H: height, L: 0, N: index / most, W: int(width)}
	name := strings.Replace(tile.Path(), "tile/8/0/", "log/tile/entries/", 1)
	data, err := os.ReadFile(filepath.Join(r.mirror, filepath.FromSlash(name)))
	if err != nil {
		return err
	}
	var entry []byte
	for at := int64(0); at <= index%most; at++ {
		if len(data) < 2 || len(data) < 2+int(binary.BigEndian.Uint16(data)) {
			return fmt.Errorf("%s is cut", name)
		}
		length := 2 + int(binary.BigEndian.Uint16(data))
		entry, data = data[2:length], data[length:]
	}
	proof, err := tlog.ProveRecord(r.tree.N, index, hashes)
	if err != nil {
		return err
	}
	if err := tlog.CheckRecord(proof, r.tree.N, r.tree.Hash, index, tlog.RecordHash(entry)); err != nil {
		return err
	}
	show("entry", index, proof)
	return nil
}

// show prints a proof, so that it can be compared with others.
func show(what string, number int64, proof []tlog.Hash) {
	fmt.Printf("%s %d", what, number)
	for _, hash := range proof {
		fmt.Printf(" %x", hash[:])
	}
	fmt.Println()
}

// Height is that of C2SP tlog-tiles.
func (r *releases) Height() int { return height }

// ReadTiles reads tiles where the specification puts them.
func (r *releases) ReadTiles(tiles []tlog.Tile) ([][]byte, error) {
	found := make([][]byte, len(tiles))
	for i, tile := range tiles {
		name := strings.Replace(tile.Path(), "tile/8/", "log/tile/", 1)
		data, err := os.ReadFile(filepath.Join(r.mirror, filepath.FromSlash(name)))
		if err != nil {
			return nil, err
		}
		found[i] = data
	}
	return found, nil
}

// SaveTiles keeps nothing.
func (r *releases) SaveTiles([]tlog.Tile, [][]byte) {}
