//go:build !race

package fiber

const raceDetector = false
