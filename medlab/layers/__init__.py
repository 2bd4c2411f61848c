"""Stock Keras layers that compute on medlab's operations.

A layer stays what it is: an object of `keras.layers.Conv3D`, with its weights, name,
policy and settings. `accelerate` puts one function on the object itself, where Keras
looks for `convolution_op` or `call`. So `to_json`, `save`, `clone_model`, `get_config`
and `pickle` see a stock layer, and give stock layers; a saved model needs no medlab.

Which operations run is asked anew whenever a model is traced (see `medlab.ops.path`):
on a GPU or TPU the layer does what Keras does.
"""

from medlab.layers._accelerate import accelerate as accelerate
