"""What the till of Complete Journey means by its short words."""

# A language model knows "frozen" and "dinners", and not "frzn" and "dnrs"; "" leaves a word out that says
# nothing.
WORDS = {
  "appl": "apple", "bbq": "barbecue", "beeralemalt": "beer ale malt", "bev": "beverage",
  "beverag": "beverages", "bg": "bag", "bkd": "baked", "bkfst": "breakfast", "bn": "bean", "br": "bread",
  "brd": "bread", "brkfst": "breakfast", "brst": "breast", "btl": "bottle", "btr": "butter",
  "bttr": "butter", "cand": "candy", "carb": "carbonated", "chick": "chicken", "chix": "chicken",
  "choc": "chocolate", "chs": "cheese", "cktls": "cocktails", "ckys": "cookies", "cleane": "cleaner",
  "cleang": "cleaning", "cn": "can", "cndy": "candy", "cntrl": "central", "coff": "coffee",
  "conc": "concentrate", "cond": "conditioner", "crbntd": "carbonated", "crkr": "crackers", "crm": "cream",
  "crmd": "creamed", "crystl": "crystal", "ct": "count", "decors": "decorations",
  "disposible": "disposable", "dl": "deli", "dnr": "dinner", "dnrs": "dinners", "dreg": "",
  "drng": "dressing", "drnk": "drink", "drnking": "drinking", "drnkng": "drinking", "drnks": "drinks",
  "drsng": "dressing", "dsh": "dish", "dz": "dozen", "et": "etc", "ex": "", "excp": "", "excpt": "",
  "fd": "food", "fem": "feminine", "flr": "floral", "flvr": "flavor", "flvrd": "flavored", "frd": "fried",
  "frsh": "fresh", "frt": "fruit", "frz": "frozen", "frzn": "frozen", "fs": "french style", "gal": "gallon",
  "gds": "goods", "gm": "general merchandise", "gngr": "ginger", "grnd": "ground",
  "hbc": "health and beauty", "hngrs": "hangers", "hshld": "household", "hygn": "hygiene", "incl": "",
  "iqf": "individually frozen", "iws": "individually wrapped slices", "jce": "juice", "jces": "juices",
  "ju": "juice", "lb": "pound", "lds": "loads", "liq": "liquid", "mach": "machine", "marinad": "marinades",
  "merch": "merchandise", "micro": "microwave", "minwtr": "mineral water", "misc": "", "mixs": "mixes",
  "mlt": "multi", "mneral": "mineral", "mnrl": "mineral", "mult": "multi", "mw": "microwave", "mx": "mix",
  "mxs": "mixes", "nailcare": "nail care", "nat": "natural", "org": "organic", "orgnzrs": "organizers",
  "oz": "ounce", "pac": "pack", "pc": "piece", "pck": "pack", "pckgd": "packaged",
  "photofinishing": "photo printing", "pk": "pack", "pkg": "package", "pkgd": "packaged", "pkld": "pickled",
  "pnt": "peanut", "pnut": "peanut", "prem": "premium", "prep": "prepared", "prepack": "prepacked",
  "prod": "product", "produc": "products", "pt": "pint", "pwdr": "powder", "qt": "quart",
  "refrgratd": "refrigerated", "refrig": "refrigerated", "rts": "ready to serve", "rw": "", "sal": "salad",
  "sald": "salad", "sce": "sauce", "seas": "seasonal", "sft": "soft", "sgl": "single", "shampo": "shampoo",
  "sherbts": "sherbets", "shoppe": "shop", "shp": "shop", "smi": "semi", "snck": "snack", "snd": "sandwich",
  "sndwch": "sandwich", "sngl": "single", "snks": "snacks", "spec": "specialty", "sply": "supply",
  "sprd": "spread", "sq": "square", "srv": "serve", "ss": "single serve", "strw": "straw",
  "sup": "supplies", "suppplies": "supplies", "sv": "serve", "sw": "sweet", "sweetners": "sweeteners",
  "swt": "sweet", "syrp": "syrup", "tailers": "ties", "tiss": "tissue", "tort": "tortilla",
  "trky": "turkey", "trsh": "trash", "veg": "vegetable", "vegs": "vegetables", "vend": "vending",
  "wat": "water", "wate": "water", "whl": "whole", "whlsm": "wholesome", "wht": "white", "wt": "weight",
  "wtr": "water", "xtra": "extra", "yog": "yogurt",
}  # fmt: skip
DEPARTMENTS = {
  "DRUG GM": "drugstore",
  "ELECT &PLUMBING": "electrical and plumbing",
  "MEAT-PCKGD": "packaged meat",
  "NUTRITION": "natural food",
  "SEAFOOD-PCKGD": "packaged seafood",
}
BRANDS = {"National": "national brand", "Private": "store brand"}
