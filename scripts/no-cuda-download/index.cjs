// The install script of onnxruntime-node downloads CUDA libraries to every Linux machine. npm does not run it from 11.16 on
// (package.json, "allowScripts"), but older versions of npm do. The script begins with this function of global-agent, which
// no other package uses. Here it ends the script. deploy/cuda/install.sh gets the libraries for GPUs.
exports.bootstrap = () => process.exit(0);
