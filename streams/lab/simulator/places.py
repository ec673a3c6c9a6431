"""27 provinces and 130 of their cities: where the clusters of the scenario `clusters` lie."""

from typing import Final

PLACES: Final[dict[str, tuple[str, ...]]] = {
    "Guangdong": (
        "Shenzhen", "Dongguan", "Guangzhou", "Foshan", "Zhongshan", "Shantou", "Jieyang", "Chaozhou", "Huizhou",
        "Jiangmen", "Zhuhai", "Yangjiang",
    ),
    "Zhejiang": (
        "Jiaxing", "Hangzhou", "Ningbo", "Wenzhou", "Jinhua", "Shaoxing", "Taizhou", "Huzhou", "Lishui", "Quzhou",
    ),
    "Jiangsu": (
        "Zhenjiang", "Suzhou", "Nantong", "Wuxi", "Changzhou", "Xuzhou", "Suqian", "Lianyungang", "Yangzhou",
        "Yancheng",
    ),
    "Shandong": (
        "Weifang", "Heze", "Linyi", "Qingdao", "Yantai", "Jinan", "Weihai", "Zibo", "Liaocheng", "Rizhao",
    ),
    "Hebei": ("Baoding", "Shijiazhuang", "Xingtai", "Cangzhou", "Hengshui", "Langfang", "Handan"),
    "Fujian": ("Quanzhou", "Putian", "Xiamen", "Fuzhou", "Zhangzhou", "Nanping", "Ningde"),
    "Henan": ("Xuchang", "Zhengzhou", "Luoyang", "Nanyang", "Shangqiu", "Zhoukou", "Kaifeng"),
    "Anhui": ("Bozhou", "Hefei", "Wuhu", "Fuyang", "Huangshan", "Anqing"),
    "Jiangxi": ("Jingdezhen", "Ganzhou", "Nanchang", "Yichun", "Shangrao"),
    "Hunan": ("Changsha", "Zhuzhou", "Liling", "Xiangtan", "Yueyang"),
    "Hubei": ("Wuhan", "Jingzhou", "Yichang", "Xiangyang", "Qianjiang"),
    "Sichuan": ("Chengdu", "Meishan", "Leshan", "Yibin", "Mianyang"),
    "Guangxi": ("Nanning", "Liuzhou", "Guilin", "Hezhou"),
    "Yunnan": ("Kunming", "Dali", "Pu'er", "Baoshan"),
    "Liaoning": ("Dandong", "Dalian", "Shenyang", "Huludao"),
    "Shaanxi": ("Xi'an", "Weinan", "Yan'an"),
    "Shanxi": ("Taiyuan", "Jinzhong", "Yuncheng"),
    "Heilongjiang": ("Harbin", "Suihua", "Jiamusi"),
    "Jilin": ("Changchun", "Tonghua", "Yanbian"),
    "Guizhou": ("Guiyang", "Zunyi", "Tongren"),
    "Xinjiang": ("Urumqi", "Hotan", "Kashgar"),
    "Inner Mongolia": ("Hohhot", "Ordos", "Xilingol"),
    "Hainan": ("Haikou", "Sanya"),
    "Gansu": ("Lanzhou", "Dingxi"),
    "Chongqing": ("Chongqing",),
    "Shanghai": ("Shanghai",),
    "Ningxia": ("Yinchuan", "Zhongwei"),
}  # fmt: skip
